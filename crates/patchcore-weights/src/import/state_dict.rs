//! Tensors by name, as PyTorch's `state_dict` names them, to what they are in the plan.

use std::collections::BTreeMap;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::NetworkEntry;

use super::assemble::assemble;
use super::error::WeightsError;
use super::fold::{BatchNorm, Convolution};
use super::found::{Found, Prologue};
use super::tensor_view::TensorView;
use super::trunk::Trunk;

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
    assemble(&trunk, file, &find_in_state_dict(&trunk, tensors))
}

/// The parts of a network in its state dict, by the plan's names.
///
/// A common prefix (`module.`, `backbone.`) is dropped, so is everything that is no part of the trunk (`fc`, `num_batches_tracked`).
pub fn find_in_state_dict<'a>(trunk: &Trunk, tensors: &BTreeMap<String, TensorView<'a>>) -> Found<'a> {
    let mut found = Found::default();
    let known = trunk.spelling(tensors.keys().map(String::as_str));
    let Some((spelling, prefix)) = known.or_else(|| Some((trunk.spellings.first()?, String::new()))) else {
        return found;
    };
    let get = |name: &str| tensors.get(&format!("{prefix}{name}")).cloned();
    for (name, weight) in tensors {
        let Some(conv) = name.strip_prefix(&prefix).and_then(|name| name.strip_suffix(".weight")) else { continue };
        let Some(step) = spelling.plan_name(conv).filter(|_| weight.dims.len() == 4) else { continue };
        let norm = spelling.norm_behind(step).and_then(|norm| batch_norm(norm, spelling.epsilon, get));
        let convolution =
            Convolution { weight: weight.clone(), bias: get(&format!("{conv}.bias")), norm, attributes: None };
        found.convolutions.insert(step.to_owned(), convolution);
    }
    for (step, norm) in spelling.norms_in_front() {
        let folded = get(&format!("{step}.scale")).zip(get(&format!("{step}.shift")));
        let folded = folded.map(|(scale, shift)| Prologue::Folded { scale, shift });
        let prologue = folded.or_else(|| batch_norm(norm, spelling.epsilon, get).map(Prologue::Norm));
        found.prologues.extend(prologue.map(|prologue| (step.to_owned(), prologue)));
    }
    found
}

/// The BatchNorm called `norm`, when all of it is there.
pub(super) fn batch_norm<'a>(
    norm: &str,
    epsilon: f64,
    get: impl Fn(&str) -> Option<TensorView<'a>>,
) -> Option<BatchNorm<'a>> {
    Some(BatchNorm {
        weight: get(&format!("{norm}.weight"))?,
        bias: get(&format!("{norm}.bias"))?,
        mean: get(&format!("{norm}.running_mean"))?,
        variance: get(&format!("{norm}.running_var"))?,
        epsilon,
    })
}
