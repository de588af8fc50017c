//! EfficientNet-Lite0 cut after block 7: names and shapes of the tensors that ship with the code.

use std::collections::BTreeMap;

use super::error::WeightsError;
use super::fold::{FoldedTensor, FoldedTensors};
use super::tensor_view::TensorView;

/// Kernel, channels in, channels out and expansion of blocks 0 to 7.
const BLOCKS: [(usize, usize, usize, usize); 8] = [
    (3, 32, 16, 1),
    (3, 16, 24, 6),
    (3, 24, 24, 6),
    (5, 24, 40, 6),
    (5, 40, 40, 6),
    (3, 40, 80, 6),
    (3, 80, 80, 6),
    (3, 80, 80, 6),
];

/// Name and shape of every tensor: `stem`, then `blocks.{i}.expand|depthwise|project`, each `.weight` and `.bias`.
pub fn efficientnet_lite0_shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut push = |name: String, shape: [usize; 4]| {
        let [channels, ..] = shape;
        shapes.push((format!("{name}.weight"), shape.to_vec()));
        shapes.push((format!("{name}.bias"), vec![channels]));
    };
    push("stem".into(), [32, 3, 3, 3]);
    for (index, (kernel, channels, out, expansion)) in BLOCKS.into_iter().enumerate() {
        let inner = channels * expansion;
        if expansion != 1 {
            push(format!("blocks.{index}.expand"), [inner, channels, 1, 1]);
        }
        push(format!("blocks.{index}.depthwise"), [inner, 1, kernel, kernel]);
        push(format!("blocks.{index}.project"), [out, inner, 1, 1]);
    }
    shapes
}

/// Takes the tensors of `shapes` out of a file whose names are already final.
pub(super) fn take_exact(
    file: &str,
    backbone: &str,
    shapes: &[(String, Vec<usize>)],
    tensors: &BTreeMap<String, TensorView<'_>>,
) -> Result<FoldedTensors, WeightsError> {
    let mut taken = FoldedTensors::new();
    for (name, shape) in shapes {
        let view = tensors.get(name).ok_or_else(|| WeightsError::TensorMissing {
            file: file.into(),
            tensor: name.clone(),
            backbone: backbone.into(),
            expected: shape.as_slice().into(),
            hint: Box::default(),
        })?;
        if !super::architecture::same_shape(&view.dims, shape) {
            return Err(WeightsError::Shape {
                file: file.into(),
                tensor: name.clone(),
                backbone: backbone.into(),
                expected: shape.as_slice().into(),
                found: view.dims.as_slice().into(),
                hint: Box::default(),
            });
        }
        let data = view.decode(file, shape.iter().product())?;
        taken.insert(name.clone(), FoldedTensor { shape: shape.clone(), data });
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_million_parameters() {
        let count: usize = efficientnet_lite0_shapes().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert!((240_000..260_000).contains(&count), "{count}");
    }
}
