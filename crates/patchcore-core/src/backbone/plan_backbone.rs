//! Networks of the catalogue: a plan of convolutions and its weights.

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights};
use patchcore_cpu::network::oracle::{self, Planes};

use super::interface::{Backbone, Level, LevelMap};
use super::verify_weights;
use crate::error::BackboneError;

/// A network of the catalogue up to the deepest of some layers.
#[derive(Debug, Clone)]
pub struct PlanBackbone {
    architecture: Architecture,
    plan: Plan,
    weights: BackboneWeights,
    levels: Vec<Level>,
    sha256: String,
}

impl PlanBackbone {
    /// The network with these layers as levels, in network order. Of the weights it keeps what it reads, and the digest is of that: a
    /// file with more layers gives the same features.
    ///
    /// # Errors
    /// [`BackboneError`]: layers that it does not have, and weights that do not fit.
    pub fn new(
        architecture: Architecture,
        layers: &[String],
        weights: &BackboneWeights,
    ) -> Result<Self, BackboneError> {
        let plan = architecture.plan(layers)?;
        verify_weights(architecture.name(), &plan, weights)?;
        let weights = weights.restricted_to(&plan);
        let sha256 = weights.sha256();
        let level = |tap: &patchcore_config::backbone::plan::Tap| Level {
            name: tap.layer.clone(),
            channels: tap.channels,
            stride: tap.stride,
        };
        let levels = plan.taps.iter().map(level).collect();
        Ok(Self { architecture, plan, weights, levels, sha256 })
    }
}

impl Backbone for PlanBackbone {
    fn name(&self) -> &str {
        self.architecture.name()
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The plan taken literally, in plain loops that sum in f64: minutes for a photo of a large network.
    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let image = Planes { channels: 3, height, width, data: planes.to_vec() };
        let maps = oracle::forward(&self.plan, &self.weights, image).into_iter();
        let level_map =
            |map: Planes| LevelMap { channels: map.channels, height: map.height, width: map.width, values: map.data };
        Ok(maps.map(level_map).collect())
    }

    fn plan(&self) -> Option<(&Plan, &BackboneWeights)> {
        Some((&self.plan, &self.weights))
    }
}
