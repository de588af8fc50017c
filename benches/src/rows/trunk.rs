//! The network alone: milliseconds per image.

use std::hint::black_box;

use anyhow::Context;
use patchcore_config::backbone::Family;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights, NamedTensor};
use patchcore_core::Instructions;
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};

use crate::npy;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A backbone up to its second level, and a photograph.
pub(super) struct Trunk {
    pub plan: Plan,
    pub weights: BackboneWeights,
    /// `[3, side * side]`.
    pub input: Vec<f32>,
    pub side: usize,
}

/// The backbone of that name.
///
/// # Errors
/// Weights or input that are not there.
pub(super) fn trunk(backbone: &str, work: &Work) -> anyhow::Result<Trunk> {
    let architecture = Architecture::from_name(backbone)?;
    let layers = architecture.default_layers().map(str::to_owned);
    let plan = architecture.plan(&layers)?;
    let weights = match architecture.entry().family {
        // The time does not depend on the weights, and a prologue's are no tensors of the peers' files.
        Family::DenseNet(_) => drawn_weights(&plan),
        // The default backbone is embedded, and the peer's ONNX file is made of the same tensors.
        Family::EfficientNetLite(_) => patchcore::resolve_weights(backbone, None)?,
        _ => patchcore::resolve_weights(backbone, Some(&work.onnx(backbone)))?,
    };
    let image = npy::read(&work.input())?;
    let side = image.columns.isqrt();
    Ok(Trunk { plan, weights, input: image.values, side })
}

/// Weights of a network's shapes, of a size that keeps its values near one.
fn drawn_weights(plan: &Plan) -> BackboneWeights {
    let mut state = 1_u32;
    let tensors = plan.expected_tensors().into_iter().map(|(name, shape)| {
        let fan_in: usize = shape.iter().skip(1).product();
        let (middle, spread) = match shape.len() {
            1 if name.ends_with(".scale") => (1.0, 0.5),
            1 => (0.0, 0.1),
            _ => (0.0, (6.0 / fan_in as f32).sqrt()),
        };
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            middle + spread * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        };
        let data = std::iter::repeat_with(next).take(shape.iter().product()).collect();
        (name, NamedTensor { shape, data })
    });
    BackboneWeights { tensors: tensors.collect() }
}

/// A batch of one photograph, with all the instructions that the processor has.
///
/// # Errors
/// Weights or input that are not there.
pub fn set_up(backbone: &str, batch: usize, work: &Work) -> anyhow::Result<Measure> {
    let Trunk { plan, weights, input, side } = trunk(backbone, work)?;
    let network = CpuNetwork::new(Instructions::native(), &plan, &weights).context("cannot build the network")?;
    let input = input.repeat(batch);
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    Ok(Box::new(move || {
        let milliseconds = timed(|| {
            network.forward(&input, batch, side, side, MapLayout::ChannelsLast, &mut workspace, &mut maps)?;
            black_box(&maps);
            Ok(())
        })?;
        Ok(milliseconds / batch as f64)
    }))
}
