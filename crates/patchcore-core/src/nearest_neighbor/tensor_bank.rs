//! The search as tensor operations: matrix products and a running minimum.

use burn::tensor::{DType, Int, Tensor};
use patchcore_config::BankDtype;

use crate::device::ComputeDevice;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;

/// Bank rows compared at once: bounds the products to 8,192 per query.
const CHUNK: usize = 8_192;

/// Rows as they are, for the reported distance; shifted by their mean, for the choice; and half the squared lengths of
/// what the choice looks at.
///
/// Distances do not change under a shift, and the products lose less to rounding around the mean. A bank in f16 is not
/// shifted: its rows are exact as they are, and lie on the device once.
#[derive(Debug, Clone)]
pub(super) struct TensorBank {
    rows: Tensor<2>,
    /// `[1, dim]`; `None` for a bank that is not shifted.
    mean: Option<Tensor<2>>,
    /// `[m, dim]`.
    shifted: Tensor<2>,
    /// `[m]`.
    half_lengths: Tensor<1>,
}

impl TensorBank {
    /// Uploads the bank.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`].
    pub(super) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
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
        Ok(Self { rows, mean, shifted, half_lengths })
    }

    /// The rows as they are `[m, dim]`, f32 or f16.
    pub(super) fn rows(&self) -> &Tensor<2> {
        &self.rows
    }

    /// The nearest row of every query `[n, dim]` and its squared distance, from the difference of the two vectors: scores near
    /// zero do not drown in cancellation.
    pub(super) fn nearest(&self, queries: Tensor<2>) -> (Tensor<1, Int>, Tensor<1>) {
        let [n, _] = queries.dims();
        let around = match &self.mean {
            Some(mean) => queries.clone() - mean.clone(),
            None => queries.clone(),
        };
        let rows = self.choose(around);
        let difference = queries - self.rows.clone().select(0, rows.clone()).cast(DType::F32);
        (rows, difference.square().sum_dim(1).reshape([n]))
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

    /// The `k` rows nearest to each of some rows `[images]`: `[images, k]`, nearest first.
    pub(super) fn ranks(&self, of: Tensor<1, Int>, k: usize) -> Tensor<2, Int> {
        let ([images], [m, _]) = (of.dims(), self.rows.dims());
        let of_rows = self.shifted.clone().select(0, of).cast(DType::F32);
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
        Tensor::cat(columns, 1)
    }
}
