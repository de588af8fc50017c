//! The bank on a device, ready for queries.

use std::sync::Arc;

#[cfg(feature = "burn")]
use burn::tensor::Tensor;

#[cfg(feature = "burn")]
use super::device_bank::DeviceBank;
use super::neighbor::{Neighbor, squared_distance};
use crate::device::ComputeDevice;
#[cfg(feature = "burn")]
use crate::device::guarded;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use patchcore_cpu::ScratchPool;
use patchcore_cpu::search::{CpuBank, Workspace};

/// What an error of the device says was being done.
#[cfg(feature = "burn")]
const OPERATION: &str = "nearest neighbour search";

/// The bank on a device, ready for queries.
#[derive(Debug, Clone)]
pub struct NearestNeighborIndex {
    #[cfg(feature = "burn")]
    device: ComputeDevice,
    bank: MemoryBank,
    implementation: Implementation,
}

/// Who searches: the device, or the CPU's own exact search.
#[derive(Clone)]
enum Implementation {
    #[cfg(feature = "burn")]
    Device(Box<DeviceBank>),
    Cpu(Arc<CpuSearch>),
}

impl std::fmt::Debug for Implementation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "burn")]
            Implementation::Device(_) => "Device",
            Implementation::Cpu(_) => "Cpu",
        })
    }
}

struct CpuSearch {
    bank: CpuBank,
    scratch: ScratchPool<SearchScratch>,
}

#[derive(Default)]
struct SearchScratch {
    workspace: Workspace,
    rows: Vec<u32>,
    squared: Vec<f32>,
    pairs: Vec<(u32, f32)>,
}

impl NearestNeighborIndex {
    /// Indexes the bank: an upload, or on the CPU the structure of the exact search.
    ///
    /// # Errors
    /// [`DeviceError`] where the device cannot take the bank.
    pub fn new(bank: MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        let implementation = if device.is_cpu() {
            let bank = CpuBank::new(bank.rows(), bank.dim(), device.instructions());
            Implementation::Cpu(Arc::new(CpuSearch { bank, scratch: ScratchPool::default() }))
        } else {
            Self::on(device, &bank)?
        };
        Ok(Self {
            #[cfg(feature = "burn")]
            device: device.clone(),
            bank,
            implementation,
        })
    }

    #[cfg(feature = "burn")]
    fn on(device: &ComputeDevice, bank: &MemoryBank) -> Result<Implementation, DeviceError> {
        guarded(device, "upload of the memory bank", || {
            Ok(Implementation::Device(Box::new(DeviceBank::new(bank, device)?)))
        })
    }

    #[cfg(not(feature = "burn"))]
    fn on(device: &ComputeDevice, _: &MemoryBank) -> Result<Implementation, DeviceError> {
        Err(device.without_burn())
    }

    /// The bank on the device; `None` on the CPU.
    #[cfg(feature = "burn")]
    pub(crate) fn on_device(&self) -> Option<&DeviceBank> {
        match &self.implementation {
            Implementation::Device(bank) => Some(bank),
            Implementation::Cpu(_) => None,
        }
    }

    /// The bank.
    pub fn bank(&self) -> &MemoryBank {
        &self.bank
    }

    /// The nearest row of every query.
    ///
    /// # Shapes
    /// - `queries`: `[n, dim]`
    /// - result: `n` neighbours, in the order of the queries
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    #[cfg(feature = "burn")]
    pub fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Neighbor>, DeviceError> {
        match &self.implementation {
            Implementation::Device(bank) => {
                guarded(&self.device, OPERATION, || bank.nearest(queries).map_err(|error| bank.failed(error)))
            }
            Implementation::Cpu(_) => {
                let queries = queries.try_into_vec_as::<f32>();
                let failed = |error| self.device.failed(OPERATION, error);
                self.nearest_of_rows(&queries.map_err(failed)?)
            }
        }
    }

    /// The nearest row of every query, row-major on the host.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub fn nearest_of_rows(&self, queries: &[f32]) -> Result<Vec<Neighbor>, DeviceError> {
        let mut neighbors = Vec::new();
        self.nearest_of_rows_into(queries, &mut neighbors)?;
        Ok(neighbors)
    }

    /// [`NearestNeighborIndex::nearest_of_rows`], to a vector that is cleared first.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub fn nearest_of_rows_into(&self, queries: &[f32], neighbors: &mut Vec<Neighbor>) -> Result<(), DeviceError> {
        let dim = self.bank.dim().max(1);
        let n = queries.len() / dim;
        neighbors.clear();
        match &self.implementation {
            #[cfg(feature = "burn")]
            Implementation::Device(_) => {
                let queries = guarded(&self.device, OPERATION, || self.device.tensor(queries.to_vec(), [n, dim]))?;
                neighbors.extend(self.nearest(queries)?);
            }
            Implementation::Cpu(search) => search.scratch.with(|scratch| {
                let SearchScratch { workspace, rows, squared, .. } = scratch;
                rows.resize(n, 0);
                squared.resize(n, 0.0);
                search.bank.nearest(self.bank.rows(), queries, rows, squared, workspace);
                let found = rows.iter().zip(squared);
                neighbors.extend(found.map(|(row, squared)| Neighbor { row: *row, squared_distance: *squared }));
            }),
        }
        Ok(())
    }

    /// The `k` nearest rows of one vector of `dim` values, nearest first, equal distances by row.
    ///
    /// The image score needs this for one patch per image, so other devices than the CPU leave it to a plain pass over
    /// the bank on the host.
    pub fn k_nearest(&self, query: &[f32], k: usize) -> Vec<Neighbor> {
        let mut neighbors = Vec::new();
        self.k_nearest_into(query, k, &mut neighbors);
        neighbors
    }

    /// [`NearestNeighborIndex::k_nearest`], to a vector that is cleared first.
    pub fn k_nearest_into(&self, query: &[f32], k: usize, neighbors: &mut Vec<Neighbor>) {
        neighbors.clear();
        #[allow(irrefutable_let_patterns, reason = "without Burn the CPU is the only one")]
        if let Implementation::Cpu(search) = &self.implementation {
            search.scratch.with(|scratch| {
                let SearchScratch { workspace, pairs, .. } = scratch;
                search.bank.k_nearest_into(self.bank.rows(), query, k, workspace, pairs);
                neighbors.extend(pairs.iter().map(|(row, squared)| Neighbor { row: *row, squared_distance: *squared }));
            });
            return;
        }
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
    }
}
