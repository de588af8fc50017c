//! A network in `bf16` in plain loops: maps and weights are the `bf16` next to them, sums are `f64` and rounded once to `f32`.
//!
//! What an engine without kernels for it computes with. The kernels sum in `f32`, each set in an order of its own, so they agree with it
//! within a tolerance.

#![allow(clippy::indexing_slicing, reason = "slots of a plan that has been checked")]

use super::super::CpuNetworkError;
use super::super::oracle::{Planes, convolve, max_pool};
use super::super::tensors::conv_tensors;
use crate::simd::{LARGEST_HALF, from_half, to_half};
use patchcore_config::backbone::plan::{Activation, Plan, Step};
use patchcore_config::{BackboneWeights, NamedTensor};

/// The taps of a plan for one image, normalised.
///
/// # Errors
/// [`CpuNetworkError`]: a tensor is missing or has another size, or the plan contradicts itself.
///
/// # Panics
/// For another number of values than the image's shape says.
pub fn forward(plan: &Plan, weights: &BackboneWeights, image: &Planes) -> Result<Vec<Planes>, CpuNetworkError> {
    plan.check()?;
    let mut halves = BackboneWeights::default();
    for conv in plan.convolutions() {
        let (weight, bias) = conv_tensors(conv, weights)?;
        let (data, bias_data) = (weight.iter().copied().map(rounded).collect(), bias.to_vec());
        halves.tensors.insert(conv.weight_name(), NamedTensor { shape: conv.weight_shape().to_vec(), data });
        halves.tensors.insert(conv.bias_name(), NamedTensor { shape: vec![conv.out_channels], data: bias_data });
    }
    if let Some(step) = plan.not_reducible() {
        return Err(CpuNetworkError::Unsupported { step: step.name().to_owned() });
    }
    let mut maps = vec![Planes::default(); plan.slots];
    let mut floats = maps.clone();
    maps[0] = rounded_map(image, LARGEST_HALF);
    floats[0] = maps[0].clone();
    for step in &plan.steps {
        let (written, largest) = match step {
            Step::Conv(conv) => {
                let largest = if conv.activation == Activation::Relu6 { 6.0 } else { LARGEST_HALF };
                (convolve(conv, &halves, &maps[conv.from], conv.add.map(|slot| &maps[slot])), largest)
            }
            Step::MaxPool { from, .. } => (max_pool(&maps[*from]), LARGEST_HALF),
            Step::Concat { .. } | Step::AveragePool { .. } => unreachable!("no step of a plan that can be reduced"),
        };
        maps[step.to()] = rounded_map(&written, largest);
        floats[step.to()] = written;
    }
    Ok(plan.taps.iter().map(|tap| floats[tap.slot].clone()).collect())
}

fn rounded(value: f32) -> f32 {
    from_half(to_half(value))
}

/// A map of `bf16` that are numbers: the largest of them is also what is none.
fn rounded_map(map: &Planes, largest: f32) -> Planes {
    let held = |value: &f32| if value.is_nan() { largest } else { rounded(value.clamp(-LARGEST_HALF, largest)) };
    Planes { data: map.data.iter().map(held).collect(), ..*map }
}
