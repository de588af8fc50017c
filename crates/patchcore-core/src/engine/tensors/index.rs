//! The search on a device.

use burn::tensor::Tensor;

use crate::device::{ComputeDevice, guarded};
use crate::engine::interface::Index;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::{DeviceBank, Neighbor, squared_distance};

/// What an error of the device says was being done.
const OPERATION: &str = "nearest neighbour search";

/// A bank on a device, and on the host for the few queries that need several neighbours.
#[derive(Debug)]
pub(crate) struct TensorIndex {
    device: ComputeDevice,
    bank: MemoryBank,
    on_device: DeviceBank,
}

impl TensorIndex {
    pub(super) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Ok(Self { device: device.clone(), bank: bank.clone(), on_device: DeviceBank::new(bank, device)? })
    }

    /// The bank on the device.
    pub(crate) fn on_device(&self) -> &DeviceBank {
        &self.on_device
    }

    /// The nearest row of every query `[n, dim]` that lies on the device.
    pub(crate) fn nearest_of_tensor(&self, queries: Tensor<2>) -> Result<Vec<Neighbor>, DeviceError> {
        guarded(&self.device, OPERATION, || self.on_device.nearest(queries))
    }
}

impl Index for TensorIndex {
    fn nearest(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        let dim = self.bank.dim();
        let upload = || self.device.tensor(queries.to_vec(), [queries.len() / dim, dim]);
        let queries = guarded(&self.device, OPERATION, upload)?;
        neighbors.clear();
        neighbors.extend(self.nearest_of_tensor(queries)?);
        Ok(())
    }

    /// A plain pass over the bank on the host: the image score needs it for one patch per image.
    fn k_nearest(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        neighbors.clear();
        neighbors.extend((0..self.bank.len()).map(|row| {
            let squared_distance = squared_distance(query, self.bank.row(row));
            Neighbor { row: row as u32, squared_distance }
        }));
        let order =
            |a: &Neighbor, b: &Neighbor| a.squared_distance.total_cmp(&b.squared_distance).then(a.row.cmp(&b.row));
        if k < neighbors.len() {
            neighbors.select_nth_unstable_by(k, order);
            neighbors.truncate(k);
        }
        neighbors.sort_unstable_by(order);
        Ok(())
    }
}
