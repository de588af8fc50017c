//! The tensors of a step, of the sizes that it needs.

use super::CpuNetworkError;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::ConvStep;

/// Weight and bias of a convolution.
///
/// # Errors
/// [`CpuNetworkError::Tensor`].
pub(super) fn conv_tensors<'a>(
    conv: &ConvStep,
    weights: &'a BackboneWeights,
) -> Result<(&'a [f32], &'a [f32]), CpuNetworkError> {
    let weight = tensor(weights, conv.weight_name(), conv.weight_len())?;
    Ok((weight, tensor(weights, conv.bias_name(), conv.out_channels)?))
}

/// The tensor of that name, which must have so many values.
///
/// # Errors
/// [`CpuNetworkError::Tensor`].
pub(super) fn tensor(weights: &BackboneWeights, name: String, size: usize) -> Result<&[f32], CpuNetworkError> {
    match weights.tensors.get(&name) {
        Some(tensor) if tensor.data.len() == size => Ok(tensor.data.as_slice()),
        found => Err(CpuNetworkError::Tensor { name, size, found: found.map(|tensor| tensor.data.len()) }),
    }
}
