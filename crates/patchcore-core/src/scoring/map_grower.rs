//! The anomaly map: patch scores grown to the input's size and smoothed.
//!
//! Growing (bilinear or nearest) and smoothing (Gaussian, any reflecting border) are linear and separable, so
//! together they are two small matrices: `map = A · scores · Bᵀ`, with `A` `[height, grid rows]` and `B`
//! `[width, grid columns]`. A 28 x 28 grid grown to 224 x 224 costs 1.6 million multiplications instead of 3.3 million
//! for the Gaussian alone, and is one pair of matrix products on any device. The literal steps stand in `oracle.rs`.

use std::sync::Arc;

use super::AnomalyMap;
use crate::device::ComputeDevice;
use crate::engine::{Engine, Grower, MapSpec, engine_of};
use crate::error::DeviceError;

/// The growth of maps from one grid to one size. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MapGrower {
    map: MapSpec,
    grower: Arc<dyn Grower>,
}

impl MapGrower {
    /// Prepares the matrices on a device.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take them.
    pub fn new(map: MapSpec, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Self::with_engine(map, engine_of(device).as_ref())
    }

    pub(crate) fn with_engine(map: MapSpec, engine: &dyn Engine) -> Result<Self, DeviceError> {
        Ok(Self { map, grower: engine.grower(map)? })
    }

    /// Which maps it grows.
    pub fn map(&self) -> &MapSpec {
        &self.map
    }

    /// The engine's own form of it.
    pub(crate) fn on_engine(&self) -> &dyn Grower {
        self.grower.as_ref()
    }

    /// The map of one image, written over `map`. `patch_scores`: `[grid rows, grid columns]`, row-major.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    ///
    /// # Panics
    /// For another number of patch scores than the grid has cells.
    pub fn grow_into(&self, patch_scores: &[f32], map: &mut AnomalyMap) -> Result<(), DeviceError> {
        assert_eq!(patch_scores.len(), self.map.grid.cells(), "one patch score per cell of the grid");
        (map.width, map.height) = (self.map.width, self.map.height);
        self.grower.grow(patch_scores, &mut map.scores)
    }
}
