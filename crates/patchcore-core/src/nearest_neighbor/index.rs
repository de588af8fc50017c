//! The bank on a device, ready for queries.

#[cfg(feature = "burn")]
use std::any::Any;
use std::sync::Arc;

#[cfg(feature = "burn")]
use burn::tensor::Tensor;

use super::neighbor::Neighbor;
use crate::device::ComputeDevice;
#[cfg(feature = "burn")]
use crate::engine::TensorIndex;
use crate::engine::{Engine, Index, engine_of};
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;

/// A memory bank on a device, ready for queries. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NearestNeighborIndex {
    device: ComputeDevice,
    bank: MemoryBank,
    index: Arc<dyn Index>,
}

impl NearestNeighborIndex {
    /// Indexes the bank: an upload, or on the CPU the structure of the exact search.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take the bank.
    pub fn new(bank: MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Self::with_engine(bank, engine_of(device).as_ref(), device)
    }

    pub(crate) fn with_engine(
        bank: MemoryBank,
        engine: &dyn Engine,
        device: &ComputeDevice,
    ) -> Result<Self, DeviceError> {
        Ok(Self { device: device.clone(), index: engine.index(&bank)?, bank })
    }

    /// The index of a bank that has some of this one's rows: on the CPU for less than a new one.
    pub(crate) fn of_some(&self, bank: MemoryBank, engine: &dyn Engine) -> Result<Self, DeviceError> {
        let index = match self.index.of_some(&bank)? {
            Some(index) => index,
            None => engine.index(&bank)?,
        };
        Ok(Self { device: self.device.clone(), index, bank })
    }

    /// The bank.
    pub fn bank(&self) -> &MemoryBank {
        &self.bank
    }

    /// The engine's own form of it.
    pub(crate) fn on_engine(&self) -> &dyn Index {
        self.index.as_ref()
    }

    /// The nearest row of every query that lies on the device. An engine without tensors reads them back.
    ///
    /// # Shapes
    /// - `queries`: `[n, dim]`
    /// - result: `n` neighbours, in the order of the queries
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    #[cfg(feature = "burn")]
    pub fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Neighbor>, DeviceError> {
        if let Some(index) = (self.index.as_ref() as &dyn Any).downcast_ref::<TensorIndex>() {
            return index.nearest_of_tensor(queries);
        }
        let queries = queries.try_into_vec_as::<f32>();
        self.nearest_of_rows(&queries.map_err(|error| self.device.failed("nearest neighbour search", error))?)
    }

    /// The nearest row of every query, row-major on the host.
    ///
    /// # Errors
    /// [`DeviceError::Execution`], also for queries that are not whole rows.
    pub fn nearest_of_rows(&self, queries: &[f32]) -> Result<Vec<Neighbor>, DeviceError> {
        let mut neighbors = Vec::new();
        self.nearest_of_rows_into(queries, &mut neighbors)?;
        Ok(neighbors)
    }

    /// [`NearestNeighborIndex::nearest_of_rows`], to a vector that is cleared first.
    ///
    /// # Errors
    /// As [`NearestNeighborIndex::nearest_of_rows`].
    pub fn nearest_of_rows_into(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        let dim = self.bank.dim();
        if !queries.len().is_multiple_of(dim) {
            let found = format!("{} values are not whole rows of {dim}", queries.len());
            return Err(self.device.failed("nearest neighbour search", found));
        }
        self.index.nearest(queries, neighbors)
    }

    /// The `k` nearest rows of one vector of `dim` values, nearest first, equal distances by row.
    ///
    /// The same neighbours on every device: what f32 cannot tell apart on a GPU is decided by the CPU's formula in f64.
    ///
    /// # Errors
    /// [`DeviceError::Execution`], also for a vector of another length.
    pub fn k_nearest(&self, query: &[f32], k: usize) -> Result<Vec<Neighbor>, DeviceError> {
        let mut neighbors = Vec::new();
        self.k_nearest_into(query, k, &mut neighbors)?;
        Ok(neighbors)
    }

    /// [`NearestNeighborIndex::k_nearest`], to a vector that is cleared first.
    ///
    /// # Errors
    /// As [`NearestNeighborIndex::k_nearest`].
    pub fn k_nearest_into(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        let dim = self.bank.dim();
        if query.len() != dim {
            let found = format!("a query of {} values, expected {dim}", query.len());
            return Err(self.device.failed("nearest neighbour search", found));
        }
        self.index.k_nearest(query, k, neighbors)
    }

    /// [`NearestNeighborIndex::k_nearest`] of many rows at once, where the engine takes them so.
    pub(crate) fn k_nearest_of_rows(&self, queries: &[f32], k: usize) -> Result<Option<Vec<Neighbor>>, DeviceError> {
        self.index.k_nearest_of_many(queries, k)
    }
}
