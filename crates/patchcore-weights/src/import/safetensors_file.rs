//! safetensors files: a state dict with torchvision's or timm's names, or tensors under the plan's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::NetworkEntry;
use safetensors::SafeTensors;

use super::dtype::Dtype;
use super::error::WeightsError;
use super::state_dict::import_state_dict;
use super::tensor_view::{Payload, TensorView};

/// Every tensor of a safetensors file by name, not decoded.
///
/// `file` only serves in messages.
///
/// # Errors
///
/// [`WeightsError::NotSafetensors`] when the header does not describe the bytes.
pub fn read_safetensors<'a>(file: &str, bytes: &'a [u8]) -> Result<BTreeMap<String, TensorView<'a>>, WeightsError> {
    let parsed = SafeTensors::deserialize(bytes)
        .map_err(|error| WeightsError::NotSafetensors { file: file.into(), detail: error.to_string() })?;
    let views = parsed.tensors().into_iter().map(|(name, view)| {
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => Dtype::F32,
            safetensors::Dtype::F16 => Dtype::F16,
            safetensors::Dtype::BF16 => Dtype::Bf16,
            safetensors::Dtype::F64 => Dtype::F64,
            safetensors::Dtype::I64 => Dtype::I64,
            _ => Dtype::Other(0),
        };
        let dims = view.shape().iter().map(|&extent| extent as u64).collect();
        let payload = Payload::Raw(Cow::Borrowed(view.data()));
        (name.clone(), TensorView { name: Cow::Owned(name), dims, dtype, payload })
    });
    Ok(views.collect())
}

/// The folded tensors of `network` from a safetensors file.
///
/// # Errors
///
/// As [`read_safetensors`], and any of the tensor variants of [`WeightsError`].
pub fn import_safetensors(network: &NetworkEntry, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
    import_state_dict(network, file, &read_safetensors(file, bytes)?)
}
