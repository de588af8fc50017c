//! The network alone: milliseconds per image.

use std::hint::black_box;

use anyhow::Context;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights};
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
    // The default backbone is embedded, and the peer's ONNX file is made of the same tensors.
    let file = (architecture != Architecture::EFFICIENTNET_LITE0).then(|| work.onnx(backbone));
    let weights = patchcore::resolve_weights(backbone, file.as_deref())?;
    let image = npy::read(&work.input())?;
    let side = image.columns.isqrt();
    Ok(Trunk { plan: architecture.plan(&layers)?, weights, input: image.values, side })
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
