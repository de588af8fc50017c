//! A safetensors file in f16, the same bytes every time: the header's keys are sorted.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use half::f16;
use patchcore_config::BackboneWeights;
use serde::Serialize;
use serde_json::to_string;

/// One tensor of the header; the order of the fields is the order in the file.
#[derive(Serialize)]
struct Entry<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

/// Names, shapes and f16 values of `weights` with `metadata`.
///
/// # Errors
///
/// A value beyond f16's range.
pub fn write_f16(weights: &BackboneWeights, metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
    let metadata: BTreeMap<_, _> = metadata.iter().copied().collect();
    let mut header = vec![format!("\"__metadata__\":{}", to_string(&metadata)?)];
    let mut data: Vec<u8> = Vec::new();
    for (name, tensor) in &weights.tensors {
        let start = data.len();
        for value in &tensor.data {
            let rounded = f16::from_f32(*value);
            ensure!(rounded.is_finite(), "`{name}` holds {value}, which f16 cannot");
            data.extend_from_slice(&rounded.to_le_bytes());
        }
        let entry = Entry { dtype: "F16", shape: &tensor.shape, data_offsets: [start, data.len()] };
        header.push(format!("{}:{}", to_string(name)?, to_string(&entry)?));
    }
    let mut text = format!("{{{}}}", header.join(","));
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(text.as_bytes());
    file.extend_from_slice(&data);
    Ok(file)
}
