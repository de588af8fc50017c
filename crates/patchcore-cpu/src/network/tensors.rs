//! The tensors of a convolution, of the sizes that it needs.

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
    let tensor = |name: String, size: usize| match weights.tensors.get(&name) {
        Some(tensor) if tensor.data.len() == size => Ok(tensor.data.as_slice()),
        found => Err(CpuNetworkError::Tensor { name, size, found: found.map(|tensor| tensor.data.len()) }),
    };
    Ok((tensor(conv.weight_name(), conv.weight_len())?, tensor(conv.bias_name(), conv.out_channels)?))
}
