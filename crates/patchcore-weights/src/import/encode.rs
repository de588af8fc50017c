//! The way back, from folded tensors to a safetensors file: what `patchcore weights fetch` installs and `build.rs` embeds.

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use patchcore_config::{BackboneWeights, NamedTensor};

use super::error::WeightsError;

/// What may happen to the values on their way into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Nothing: they read back bit for bit.
    None,
    /// Rounded to f16, for half the size; a tensor with a value beyond f16's range (65504) stays in f32.
    ToF16,
}

/// The bytes of a safetensors file with these tensors, the same for the same tensors.
///
/// A tensor whose every value is one of f16's is stored in f16, which loses nothing. Cost: the size of the weights, in
/// time and twice in memory.
///
/// # Errors
///
/// [`WeightsError::Encode`] when a tensor's values do not fill its shape.
pub fn encode_safetensors(weights: &BackboneWeights, rounding: Rounding) -> Result<Vec<u8>, WeightsError> {
    let refused = |error: safetensors::SafeTensorError| WeightsError::Encode { detail: error.to_string() };
    let encoded: Vec<_> =
        weights.tensors.iter().map(|(name, tensor)| (name, &tensor.shape, encode(tensor, rounding))).collect();
    let mut views = Vec::new();
    for (name, shape, (dtype, bytes)) in &encoded {
        views.push((name.as_str(), TensorView::new(*dtype, (*shape).clone(), bytes).map_err(refused)?));
    }
    safetensors::serialize(views, None).map_err(refused)
}

/// The type that a tensor is stored in, and its little-endian values.
fn encode(tensor: &NamedTensor, rounding: Rounding) -> (Dtype, Vec<u8>) {
    let fits = |value: &f32| {
        let half = f16::from_f32(*value);
        match rounding {
            Rounding::None => half.to_f32().to_bits() == value.to_bits(),
            Rounding::ToF16 => half.is_finite(),
        }
    };
    if tensor.data.iter().all(fits) {
        let bytes = tensor.data.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes());
        return (Dtype::F16, bytes.collect());
    }
    (Dtype::F32, tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect())
}
