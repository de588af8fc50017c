//! The search on a device.

use burn::tensor::Tensor;

use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::Index;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::{DeviceBank, Neighbor};

/// What an error of the device says was being done.
const OPERATION: &str = "nearest neighbour search";

/// A bank on a device.
#[derive(Debug)]
pub(crate) struct TensorIndex {
    device: ComputeDevice,
    dim: usize,
    on_device: DeviceBank,
}

impl TensorIndex {
    pub(super) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Ok(Self { device: device.clone(), dim: bank.dim(), on_device: DeviceBank::new(bank, device)? })
    }

    /// The bank on the device.
    pub(crate) fn on_device(&self) -> &DeviceBank {
        &self.on_device
    }

    /// The nearest row of every query `[n, dim]` that lies on the device.
    pub(crate) fn nearest_of_tensor(&self, queries: Tensor<2>) -> Result<Vec<Neighbor>, DeviceError> {
        guarded(&self.device, OPERATION, || self.on_device.nearest(queries, None))
    }
}

impl Index for TensorIndex {
    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        neighbors.extend(guarded(&self.device, OPERATION, || {
            let uploaded = self.device.tensor(queries.to_vec(), [queries.len() / self.dim, self.dim])?;
            self.on_device.nearest(uploaded, Some(queries))
        })?);
        Ok(())
    }

    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        neighbors.extend(guarded(&self.device, OPERATION, || self.on_device.k_nearest(query, k))?);
        Ok(())
    }

    fn k_nearest_of_many(&self, queries: &[f32], k: usize) -> Result<Option<Vec<Neighbor>>, DeviceError> {
        // On the host the caller has threads for many queries.
        if !self.on_device.ranks_on_device(k) {
            return Ok(None);
        }
        guarded(&self.device, OPERATION, || self.on_device.k_nearest(queries, k)).map(Some)
    }
}
