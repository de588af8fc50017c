//! A bank as the kernels want it.

use std::collections::HashMap;

use burn::backend::Dispatch;
use burn::tensor::{DType, Int, Tensor};
use patchcore_config::BankDtype;

use super::bound::Bound;
use super::decide::COPY;
use super::operations::NearestRows;
use super::tile::{BLOCK, TileShape};
use crate::device::ComputeDevice;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;

/// Blocks times queries of which the least values lie on the device at once: 96 MiB.
const MINIMA: usize = 1 << 23;
/// Queries that are searched for at once, at least and at most: some APIs allow 65,535 cubes along an axis.
const FEWEST: usize = 1_024;
const MOST: usize = 32_768;
/// The smallest f16 with all its bits.
const SMALLEST_F16: f32 = 6.103_515_6e-5;
/// Half lengths of rows are kept below this: what is as long has no place in f32, and a copy's is above.
const LONGEST_HALF: f64 = 8e37;

/// Rows as they are, for distances; less their mean, for the choice; and lengths of what the choice looks at.
///
/// Distances do not change under a shift, and the products lose less to rounding around the mean. A bank in f16 is not
/// shifted: its rows are exact as they are, and lie on the device once.
#[derive(Debug, Clone)]
pub(crate) struct KernelBank {
    /// `[m, dim]`, f32 or f16.
    rows: Tensor<2>,
    /// `[m, dim]`.
    shifted: Tensor<2>,
    /// `[dim]`: what was subtracted.
    mean: Tensor<1>,
    /// `[m]`: half the squared lengths of `shifted`; [`COPY`] for a copy of a row before it.
    half_lengths: Tensor<1>,
    /// `[m / 64, rounded up]`: the length of the longest of each block of `shifted`.
    block_lengths: Tensor<1>,
    /// Bits behind the leading one that factors of products keep.
    bits: u32,
    bound: Bound,
    shape: TileShape,
}

impl KernelBank {
    /// Uploads the bank.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`].
    pub(crate) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Self::with_bound(bank, device, Bound::new)
    }

    /// [`KernelBank::new`] with another bound.
    pub(crate) fn with_bound(
        bank: &MemoryBank,
        device: &ComputeDevice,
        bound: fn(usize, u32, f64) -> Bound,
    ) -> Result<Self, DeviceError> {
        let (m, dim) = (bank.len(), bank.dim());
        let rows = device.tensor(bank.rows().to_vec(), [m, dim])?;
        // Below its smallest normal value a device may take an f16 for 0: such a bank is kept in f32.
        let is_small = |value: &f32| *value != 0.0 && value.abs() < SMALLEST_F16;
        let in_f16 = bank.dtype() == BankDtype::F16
            && device.burn()?.supports_dtype(DType::F16)
            && !bank.rows().iter().any(is_small);
        let mean = if in_f16 { vec![0.0; dim] } else { mean(bank) };
        let less_mean = |row: &[f32]| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect::<Vec<f32>>();
        let (rows, shifted) = if in_f16 {
            let rows = rows.cast(DType::F16);
            (rows.clone(), rows)
        } else {
            let shifted = bank.rows().chunks_exact(dim).flat_map(less_mean).collect();
            (rows, device.tensor(shifted, [m, dim])?)
        };
        let squared = |row: &[f32]| less_mean(row).iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        let lengths: Vec<f64> = bank.rows().chunks_exact(dim).map(squared).collect();
        let copies = copies(bank, &lengths);
        let half = |(squared, copy): (&f64, &bool)| if *copy { COPY } else { (0.5 * squared).min(LONGEST_HALF) as f32 };
        let half_lengths = lengths.iter().zip(&copies).map(half).collect();
        let longest = |block: &[f64]| block.iter().copied().fold(0.0, f64::max).sqrt();
        let block_lengths: Vec<f32> = lengths.chunks(BLOCK).map(|block| longest(block) as f32).collect();
        let blocks = block_lengths.len();
        let bits = device.simulated_bits();
        Ok(Self {
            rows,
            shifted,
            half_lengths: device.tensor(half_lengths, [m])?,
            block_lengths: device.tensor(block_lengths, [blocks])?,
            bits,
            bound: bound(dim, bits, longest(&lengths)),
            mean: device.tensor(mean, [dim])?,
            shape: TileShape::of(device),
        })
    }

    /// The rows as they are `[m, dim]`, f32 or f16.
    pub(crate) fn rows(&self) -> &Tensor<2> {
        &self.rows
    }

    /// Of queries `[n, dim]`, `[n]` each: the nearest row by f32; another row that may be as near, or
    /// [`ALONE`](crate::nearest_neighbor::exact::ALONE) or [`SEVERAL`](crate::nearest_neighbor::exact::SEVERAL); and the
    /// nearest row's squared distance by f32.
    pub(crate) fn nearest(&self, queries: Tensor<2>) -> (Tensor<1, Int>, Tensor<1, Int>, Tensor<1>) {
        let ([n, dim], [blocks]) = (queries.dims(), self.block_lengths.dims());
        let at_once = (MINIMA / blocks).clamp(FEWEST, MOST);
        if n <= at_once {
            return self.nearest_at_once(queries);
        }
        let (mut rows, mut others, mut squared) = (Vec::new(), Vec::new(), Vec::new());
        for start in (0..n).step_by(at_once) {
            let part = queries.clone().slice([start..(start + at_once).min(n), 0..dim]);
            let found = self.nearest_at_once(part);
            rows.push(found.0);
            others.push(found.1);
            squared.push(found.2);
        }
        (Tensor::cat(rows, 0), Tensor::cat(others, 0), Tensor::cat(squared, 0))
    }

    fn nearest_at_once(&self, queries: Tensor<2>) -> (Tensor<1, Int>, Tensor<1, Int>, Tensor<1>) {
        let (rows, others, squared) = Dispatch::nearest_rows(
            queries.into_dispatch(),
            self.rows.clone().into_dispatch(),
            self.shifted.clone().into_dispatch(),
            self.mean.clone().into_dispatch(),
            self.half_lengths.clone().into_dispatch(),
            self.block_lengths.clone().into_dispatch(),
            self.bits,
            self.bound,
            self.shape,
        );
        (Tensor::from_dispatch(rows), Tensor::from_dispatch(others), Tensor::from_dispatch(squared))
    }

    /// Of each of a few vectors `[few, dim]` the `k` nearest rows by f32, `[few, k]`: nearest first, equal distances by row.
    ///
    /// `k` is at most the number of rows. Memory: `few x m` distances.
    pub(crate) fn ranks(&self, vectors: Tensor<2>, k: usize) -> Tensor<2, Int> {
        Tensor::from_dispatch(Dispatch::ranked_rows(vectors.into_dispatch(), self.rows.clone().into_dispatch(), k))
    }
}

/// The mean row, summed in f64.
fn mean(bank: &MemoryBank) -> Vec<f32> {
    let mut sums = vec![0.0f64; bank.dim()];
    for row in bank.rows().chunks_exact(bank.dim()) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    sums.iter().map(|sum| (sum / bank.len() as f64) as f32).collect()
}

/// Which rows are copies of a row before them. Copies have the same length, so that few rows are compared.
fn copies(bank: &MemoryBank, lengths: &[f64]) -> Vec<bool> {
    let mut originals: HashMap<u64, Vec<usize>> = HashMap::new();
    let is_copy = |(row, length): (usize, &f64)| {
        let alike = originals.entry(length.to_bits()).or_default();
        let copy = alike.iter().any(|original| bank.row(*original) == bank.row(row));
        if !copy {
            alike.push(row);
        }
        copy
    };
    lengths.iter().enumerate().map(is_copy).collect()
}
