//! Which engine a device has: decided here and nowhere else.

use std::fmt;
use std::sync::Arc;

use patchcore_config::Normalization;

use super::cpu::Cpu;
use super::interface::{EmbeddingSpec, Engine, Features};
use super::oracle::Oracle;
#[cfg(feature = "burn")]
use super::tensors::Tensors;
use crate::backbone::Backbone;
use crate::device::ComputeDevice;
use crate::error::EngineError;

/// The engine of a device: the CPU's own kernels on `cpu` and `flex`, tensor operations everywhere else.
pub fn engine_of(device: &ComputeDevice) -> Arc<dyn Engine> {
    let instructions = device.instructions();
    #[cfg(feature = "burn")]
    let Some(instructions) = instructions else { return Arc::new(Tensors::new(device.clone())) };
    // Without Burn every device has them.
    #[cfg(not(feature = "burn"))]
    let instructions = instructions.unwrap_or_else(crate::device::Instructions::native);
    Arc::new(Cpu::new(device.clone(), instructions))
}

/// What another engine does for one that lacks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The engine of the device.
    pub engine: &'static str,
    /// What it lacks.
    pub operation: String,
    /// The engine that does the features instead.
    pub instead: &'static str,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, operation, instead } = self;
        write!(f, "the engine `{engine}` cannot run {operation}: `{instead}` computes the features, slower")
    }
}

/// The features of a network on `engine`, or, where that lacks a part of it, on one that does not: of a network of fewer bits than f32 the
/// CPU's kernels, of another one tensor operations on the CPU where they are compiled in, else the plain loops of [`Oracle`].
///
/// # Errors
/// [`EngineError`].
pub fn features_of(
    engine: &dyn Engine,
    backbone: &Arc<dyn Backbone>,
    normalization: &Normalization,
    embeddings: &[EmbeddingSpec],
) -> Result<(Arc<dyn Features>, Option<Fallback>), EngineError> {
    let mut lacks = None;
    for instead in std::iter::once(None).chain(others(backbone.as_ref()).map(Some)) {
        let asked = instead.as_deref().unwrap_or(engine);
        match asked.features(backbone, normalization, embeddings) {
            Ok(features) => {
                let fallback = lacks.map(|(engine, operation)| Fallback { engine, operation, instead: asked.name() });
                return Ok((features, fallback));
            }
            Err(EngineError::Lacks { engine, operation }) => {
                // What the device's own engine lacks is what the user wants to know.
                lacks.get_or_insert((engine, operation));
            }
            Err(other) => return Err(other),
        }
    }
    let (engine, operation) = lacks.unwrap_or((engine.name(), backbone.name().to_owned()));
    Err(EngineError::Lacks { engine, operation })
}

/// Engines that stand in, the faster first.
fn others(backbone: &dyn Backbone) -> impl Iterator<Item = Arc<dyn Engine>> {
    #[cfg(feature = "cpu")]
    let kernels = backbone.reduction().map(|_| engine_of(&ComputeDevice::cpu()));
    #[cfg(not(feature = "cpu"))]
    let kernels: Option<Arc<dyn Engine>> = backbone.reduction().and(None);
    #[cfg(feature = "flex")]
    let tensors =
        ComputeDevice::from_name("flex:tensors").ok().map(|device| Arc::new(Tensors::new(device)) as Arc<dyn Engine>);
    #[cfg(not(feature = "flex"))]
    let tensors: Option<Arc<dyn Engine>> = None;
    kernels.into_iter().chain(tensors).chain(std::iter::once(Arc::new(Oracle) as Arc<dyn Engine>))
}
