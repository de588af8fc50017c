//! A network of the catalogue in fewer bits than f32: the same plan and weights, other arithmetic.

use std::sync::Arc;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{BackboneWeights, NetworkPrecision};
use patchcore_cpu::network::CpuNetworkError;
use patchcore_cpu::network::oracle::Planes;
use patchcore_cpu::network::reduced::{bf16_oracle, oracle};

use super::interface::{Backbone, Level, LevelMap, Reduction};
use crate::error::BackboneError;

/// A network that computes in bf16 or int8. Its digest is that of the weights: they are the f32 network's.
#[derive(Debug)]
pub(crate) struct ReducedBackbone {
    network: Arc<dyn Backbone>,
    /// Of int8 alone.
    ranges: Option<ActivationRanges>,
}

impl ReducedBackbone {
    /// `network` in bf16, or in int8 with the `ranges` of its maps.
    ///
    /// # Errors
    /// [`BackboneError::NoReduction`] for a network without a plan, and [`BackboneError::Ranges`] for ranges of another one.
    pub fn new(network: &Arc<dyn Backbone>, ranges: Option<&ActivationRanges>) -> Result<Self, BackboneError> {
        let precision = ranges.map_or(NetworkPrecision::Bf16, |_| NetworkPrecision::Int8);
        let (plan, _) = network.plan().ok_or_else(|| no_reduction(network.as_ref(), precision))?;
        if let Some(ranges) = ranges {
            ranges.check(plan)?;
        }
        Ok(Self { network: Arc::clone(network), ranges: ranges.cloned() })
    }
}

fn no_reduction(network: &dyn Backbone, precision: NetworkPrecision) -> BackboneError {
    BackboneError::NoReduction { backbone: network.name().to_owned(), precision: precision.name() }
}

impl Backbone for ReducedBackbone {
    fn name(&self) -> &str {
        self.network.name()
    }

    fn sha256(&self) -> &str {
        self.network.sha256()
    }

    fn levels(&self) -> &[Level] {
        self.network.levels()
    }

    /// The arithmetic as it is defined, in plain loops.
    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let precision = self.ranges.as_ref().map_or(NetworkPrecision::Bf16, |_| NetworkPrecision::Int8);
        let (plan, weights) = self.network.plan().ok_or_else(|| no_reduction(self.network.as_ref(), precision))?;
        let image = Planes { channels: 3, height, width, data: planes.to_vec() };
        let maps = match &self.ranges {
            Some(ranges) => oracle::forward(plan, weights, ranges, &image),
            None => bf16_oracle::forward(plan, weights, &image),
        };
        let failed = |error: CpuNetworkError| BackboneError::Failed {
            backbone: self.name().to_owned(),
            reason: error.to_string(),
        };
        let maps = maps.map_err(failed)?;
        let level_map =
            |map: Planes| LevelMap { channels: map.channels, height: map.height, width: map.width, values: map.data };
        Ok(maps.into_iter().map(level_map).collect())
    }

    fn plan(&self) -> Option<(&Plan, &BackboneWeights)> {
        self.network.plan()
    }

    fn reduction(&self) -> Option<Reduction<'_>> {
        Some(self.ranges.as_ref().map_or(Reduction::Bf16, |ranges| Reduction::Int8 { ranges }))
    }
}
