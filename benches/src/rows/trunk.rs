//! The network alone: milliseconds per image.

use std::hint::black_box;

use anyhow::Context;
use patchcore_config::Architecture;
use patchcore_core::Instructions;
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};

use crate::npy;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A backbone up to its second level, a batch of one photograph.
///
/// # Errors
/// Weights or input that are not there.
pub fn set_up(backbone: &str, batch: usize, work: &Work) -> anyhow::Result<Measure> {
    let architecture = Architecture::from_name(backbone)?;
    let layers = architecture.default_layers().map(str::to_owned);
    // The default backbone is embedded, and the peer's ONNX file is made of the same tensors.
    let file = (architecture != Architecture::EFFICIENTNET_LITE0).then(|| work.onnx(backbone));
    let weights = patchcore::resolve_weights(backbone, file.as_deref())?;
    let network = CpuNetwork::new(Instructions::native(), &architecture.plan(&layers)?, &weights)
        .context("cannot build the network")?;
    let image = npy::read(&work.input())?;
    let side = image.columns.isqrt();
    let input = image.values.repeat(batch);
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
