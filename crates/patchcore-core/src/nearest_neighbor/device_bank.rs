//! The bank on a device: the search as tensor operations, or as one CubeCL kernel where there is one.

use burn::tensor::{DType, Int, Tensor, TensorData};

use super::neighbor::Neighbor;
use crate::device::ComputeDevice;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use patchcore_config::BankDtype;

/// Bank rows compared at once by the tensor operations: bounds the products to 8,192 per query.
const CHUNK: usize = 8_192;

/// Who chooses the nearest row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chooser {
    /// Matrix products and a running minimum.
    TensorOperations,
    /// One kernel ([`super::cube`]).
    #[cfg(feature = "cube")]
    Kernel,
}

/// Rows as they are, for the reported distance; shifted by their mean, for the choice; and half the squared lengths of
/// what the choice looks at.
///
/// Distances do not change under a shift, and the products lose less to rounding around the mean. A bank in f16 is not
/// shifted: its rows are exact as they are, and lie on the device once.
#[derive(Debug, Clone)]
pub(crate) struct DeviceBank {
    device: ComputeDevice,
    rows: Tensor<2>,
    /// `[1, dim]`; `None` for a bank that is not shifted.
    mean: Option<Tensor<2>>,
    /// `[m, dim]`.
    shifted: Tensor<2>,
    /// `[m]`.
    half_lengths: Tensor<1>,
    chooser: Chooser,
}

impl DeviceBank {
    /// Uploads the bank.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`].
    pub(crate) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        let rows = device.tensor(bank.rows().to_vec(), [bank.len(), bank.dim()])?;
        let (rows, mean, shifted, lengths) = match bank.dtype() {
            BankDtype::F16 if device.burn()?.supports_dtype(DType::F16) => {
                let lengths = rows.clone().square().sum_dim(1);
                let rows = rows.cast(DType::F16);
                (rows.clone(), None, rows, lengths)
            }
            _ => {
                let mean = rows.clone().mean_dim(0);
                let shifted = rows.clone() - mean.clone();
                let lengths = shifted.clone().square().sum_dim(1);
                (rows, Some(mean), shifted, lengths)
            }
        };
        let half_lengths = lengths.reshape([bank.len()]) * 0.5;
        Ok(Self { device: device.clone(), rows, mean, shifted, half_lengths, chooser: Chooser::of(device) })
    }

    /// The nearest row of every query and its squared distance, on the device. `queries`: `[n, dim]` f32.
    pub(crate) fn nearest_on_device(&self, queries: Tensor<2>) -> (Tensor<1, Int>, Tensor<1>) {
        let around = match &self.mean {
            Some(mean) => queries.clone() - mean.clone(),
            None => queries.clone(),
        };
        match self.chooser {
            Chooser::TensorOperations => {
                let rows = self.choose(around);
                let squared = self.squared_distances(&queries, rows.clone());
                (rows, squared)
            }
            #[cfg(feature = "cube")]
            Chooser::Kernel => self.choose_by_kernel(&queries, around),
        }
    }

    /// The nearest row of every query, read back.
    pub(crate) fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Neighbor>, DeviceError> {
        let (rows, squared) = self.nearest_on_device(queries);
        let data = burn::tensor::Transaction::default().register(rows).register(squared).try_execute();
        let data: [TensorData; 2] = data
            .map_err(|error| self.failed(error))?
            .try_into()
            .map_err(|data: Vec<TensorData>| self.failed(format!("{} answers, expected 2", data.len())))?;
        let [rows, squared] = data;
        let rows = rows.convert::<i32>().try_into_vec::<i32>().map_err(|error| self.failed(error))?;
        let squared = squared.try_into_vec::<f32>().map_err(|error| self.failed(error))?;
        let neighbors = rows.into_iter().zip(squared);
        Ok(neighbors.map(|(row, squared_distance)| Neighbor { row: row as u32, squared_distance }).collect())
    }

    /// Matrix products over chunks of the bank and a running minimum; `around` are the queries, shifted.
    fn choose(&self, around: Tensor<2>) -> Tensor<1, Int> {
        let [n, dim] = around.dims();
        let [m, _] = self.rows.dims();
        let half_lengths = self.half_lengths.clone().reshape([1, m]);
        let mut best: Option<(Tensor<2>, Tensor<2, Int>)> = None;
        for start in (0..m).step_by(CHUNK) {
            let end = (start + CHUNK).min(m);
            let rows = self.shifted.clone().slice([start..end, 0..dim]).cast(DType::F32);
            // ||q||² is the same for every row: it does not take part in the choice.
            let partial = half_lengths.clone().slice([0..1, start..end]) - around.clone().matmul(rows.transpose());
            let (value, index) = partial.min_dim_with_indices(1);
            let index = index + start as i32;
            best = Some(match best {
                None => (value, index),
                Some((least, at)) => {
                    // Strictly lower: equal distances stay with the lower row.
                    let closer = value.clone().lower(least.clone());
                    (least.mask_where(closer.clone(), value), at.mask_where(closer, index))
                }
            });
        }
        match best {
            Some((_, index)) => index.reshape([n]),
            None => Tensor::zeros([n], &self.rows.device()),
        }
    }

    /// The kernel's winner of every split, compared by their true distances.
    #[cfg(feature = "cube")]
    fn choose_by_kernel(&self, queries: &Tensor<2>, around: Tensor<2>) -> (Tensor<1, Int>, Tensor<1>) {
        let [n, _] = queries.dims();
        let [m, _] = self.rows.dims();
        let splits = super::cube::splits(n, m);
        let winners = super::cube::nearest_rows(around, self.shifted.clone(), self.half_lengths.clone(), splits);
        let of_split = |split: usize| {
            let rows = winners.clone().slice([split..split + 1, 0..n]).reshape([n]);
            let squared = self.squared_distances(queries, rows.clone());
            (rows, squared)
        };
        (1..splits).fold(of_split(0), |(at, least), split| {
            let (rows, squared) = of_split(split);
            let closer = squared.clone().lower(least.clone());
            (at.mask_where(closer.clone(), rows), least.mask_where(closer, squared))
        })
    }

    /// Squared distances of queries `[n, dim]` to one row each, from the difference of the two vectors: scores near
    /// zero do not drown in cancellation.
    fn squared_distances(&self, queries: &Tensor<2>, rows: Tensor<1, Int>) -> Tensor<1> {
        let [n, _] = queries.dims();
        let difference = queries.clone() - self.rows.clone().select(0, rows).cast(DType::F32);
        difference.square().sum_dim(1).reshape([n])
    }

    /// For every image of a batch: squared distances of its worst query `[images, dim]` to the `k` bank rows nearest to
    /// `nearest`, the bank row nearest to that query (eq. 7). `[images, k]`, on the device.
    pub(crate) fn to_neighborhood(&self, worst: Tensor<2>, nearest: Tensor<1, Int>, k: usize) -> Tensor<2> {
        let [images, dim] = worst.dims();
        let [m, _] = self.rows.dims();
        let of_rows = self.shifted.clone().select(0, nearest).cast(DType::F32);
        let products = of_rows.matmul(self.shifted.clone().cast(DType::F32).transpose());
        let mut partial = self.half_lengths.clone().reshape([1, m]) - products;
        let rows = Tensor::<1, Int>::arange(0..m as i64, &self.rows.device()).reshape([1, m]).repeat_dim(0, images);
        let mut columns = Vec::with_capacity(k);
        for _ in 0..k.min(m) {
            let (_, index) = partial.clone().min_dim_with_indices(1);
            let taken = rows.clone().equal(index.clone().repeat_dim(1, m));
            partial = partial.mask_fill(taken, f32::MAX);
            columns.push(index);
        }
        let k = columns.len();
        let neighbors = Tensor::cat(columns, 1).reshape([images * k]);
        let neighbors = self.rows.clone().select(0, neighbors).cast(DType::F32).reshape([images, k, dim]);
        let difference = neighbors - worst.reshape([images, 1, dim]).repeat_dim(1, k);
        difference.square().sum_dim(2).reshape([images, k])
    }

    fn failed(&self, error: impl std::fmt::Display) -> DeviceError {
        self.device.failed("nearest neighbour search", error)
    }
}

impl Chooser {
    fn of(device: &ComputeDevice) -> Self {
        #[cfg(feature = "cube")]
        if device.backend() != crate::device::Backend::Flex {
            return Self::Kernel;
        }
        let _ = device;
        Self::TensorOperations
    }
}
