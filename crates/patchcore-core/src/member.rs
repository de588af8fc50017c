//! One member of a fitted model: a memory bank over the features of one network, and the growth of its map.

use std::sync::{Arc, Mutex, PoisonError};

use patchcore_config::{Grid, PatchCoreConfig};

use crate::device::ComputeDevice;
use crate::engine::{Engine, MapSpec};
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::NearestNeighborIndex;
use crate::scoring::MapGrower;

/// A member of a [`PatchCore`](crate::PatchCore): what its network sees of a photo is compared with its own bank.
#[derive(Debug)]
pub struct Member {
    index: NearestNeighborIndex,
    weight: f32,
    /// The map's matrices for the size seen last: one camera gives one size.
    grower: Mutex<Option<Arc<MapGrower>>>,
}

impl Member {
    pub(crate) fn new(
        bank: MemoryBank,
        weight: f32,
        engine: &dyn Engine,
        device: &ComputeDevice,
    ) -> Result<Self, DeviceError> {
        Ok(Self { index: NearestNeighborIndex::with_engine(bank, engine, device)?, weight, grower: Mutex::default() })
    }

    /// This member over a bank that has some of its rows.
    pub(crate) fn of_some(&self, bank: MemoryBank, engine: &dyn Engine) -> Result<Self, DeviceError> {
        let index = self.index.of_some(bank, engine)?;
        Ok(Self { index, weight: self.weight, grower: Mutex::default() })
    }

    /// Its memory bank.
    pub fn bank(&self) -> &MemoryBank {
        self.index.bank()
    }

    /// The bank, ready for queries.
    pub fn index(&self) -> &NearestNeighborIndex {
        &self.index
    }

    /// The weight of its map in the joint map.
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// The growth of its map for an input of such a size, `(height, width)`.
    pub(crate) fn grower(
        &self,
        grid: Grid,
        size: (usize, usize),
        config: &PatchCoreConfig,
        engine: &dyn Engine,
    ) -> Result<Arc<MapGrower>, DeviceError> {
        let map = MapSpec::new(config, grid, size);
        // A poisoned lock only means that another thread panicked while it replaced the cache.
        let mut cached = self.grower.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grower) = cached.as_ref().filter(|grower| *grower.map() == map) {
            return Ok(Arc::clone(grower));
        }
        let grower = Arc::new(MapGrower::with_engine(map, engine)?);
        *cached = Some(Arc::clone(&grower));
        Ok(grower)
    }
}
