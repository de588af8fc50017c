//! Tensors by name, as PyTorch's `state_dict` names them, to named convolutions.

use std::collections::BTreeMap;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::NetworkEntry;

use super::assemble::assemble;
use super::error::WeightsError;
use super::fold::{BatchNorm, Convolution};
use super::tensor_view::TensorView;
use super::trunk::Trunk;

/// BatchNorm's epsilon in torchvision and timm; files of tensors do not store it.
pub(super) const DEFAULT_EPSILON: f64 = 1e-5;

/// The folded tensors of `network` from a state dict.
///
/// # Errors
///
/// Any of the tensor variants of [`WeightsError`].
pub fn import_state_dict(
    network: &NetworkEntry,
    file: &str,
    tensors: &BTreeMap<String, TensorView<'_>>,
) -> Result<BackboneWeights, WeightsError> {
    let trunk = Trunk::new(network);
    assemble(&trunk, file, &state_dict_convolutions(&trunk, tensors))
}

/// The convolutions of a network's state dict by the plan's names.
///
/// torchvision and timm name a ResNet's tensors alike, and as the plan does. A common prefix (`module.`, `backbone.`) is dropped, so is
/// everything that is no convolution of the trunk (`fc`, `num_batches_tracked`).
pub fn state_dict_convolutions<'a>(
    trunk: &Trunk,
    tensors: &BTreeMap<String, TensorView<'a>>,
) -> BTreeMap<String, Convolution<'a>> {
    let prefix = trunk.prefix(tensors.keys().map(String::as_str)).unwrap_or_default();
    let mut convolutions = BTreeMap::new();
    for (name, weight) in tensors {
        let Some(conv) = name.strip_prefix(&prefix).and_then(|name| name.strip_suffix(".weight")) else { continue };
        if weight.dims.len() != 4 || !trunk.is_inside(conv) {
            continue;
        }
        let get = |name: &str| tensors.get(&format!("{prefix}{name}")).cloned();
        let norm = norm_of(conv).and_then(|norm| batch_norm(&norm, get));
        let convolution =
            Convolution { weight: weight.clone(), bias: get(&format!("{conv}.bias")), norm, attributes: None };
        convolutions.insert(conv.to_owned(), convolution);
    }
    convolutions
}

/// The BatchNorm called `norm`, when all of it is there.
pub(super) fn batch_norm<'a>(norm: &str, get: impl Fn(&str) -> Option<TensorView<'a>>) -> Option<BatchNorm<'a>> {
    Some(BatchNorm {
        weight: get(&format!("{norm}.weight"))?,
        bias: get(&format!("{norm}.bias"))?,
        mean: get(&format!("{norm}.running_mean"))?,
        variance: get(&format!("{norm}.running_var"))?,
        epsilon: DEFAULT_EPSILON,
    })
}

/// torchvision's name of the BatchNorm behind a convolution.
pub(super) fn norm_of(conv: &str) -> Option<String> {
    if let Some(head) = conv.strip_suffix("downsample.0") {
        return Some(format!("{head}downsample.1"));
    }
    let (head, leaf) = conv.rsplit_once('.').map_or(("", conv), |(head, leaf)| (head, leaf));
    let number = leaf.strip_prefix("conv")?;
    Some(if head.is_empty() { format!("bn{number}") } else { format!("{head}.bn{number}") })
}
