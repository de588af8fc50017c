//! The bank on a device, searched by tensor operations or by CubeCL kernels, with the host for what f32 cannot decide.

use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData, Transaction};

#[cfg(feature = "cube")]
use super::cube::KernelBank;
use super::exact::{ALONE, Exact};
use super::neighbor::{Neighbor, squared_distance};
use super::tensor_bank::TensorBank;
use crate::device::ComputeDevice;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;

/// Rows found beyond those asked for: where they lie clearly behind, the host has all it needs.
#[cfg(feature = "cube")]
const SPARE: usize = 2;
/// Above so many the host looks for the nearest rows: each one is a pass over all distances.
pub(crate) const MOST_RANKS: usize = 64;
/// Distances of several queries to all rows that lie on the device at once.
#[cfg(feature = "cube")]
const DISTANCES: usize = 1 << 22;
/// What an error of the device says was being done.
const OPERATION: &str = "nearest neighbour search";

/// A bank on a device, in the form of whoever searches it there; and on the host.
#[derive(Debug, Clone)]
pub(crate) struct DeviceBank {
    device: ComputeDevice,
    form: Form,
    exact: Arc<Exact>,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each bank")]
enum Form {
    /// Matrix products and a running minimum.
    Tensors(TensorBank),
    /// Kernels ([`super::cube`]).
    #[cfg(feature = "cube")]
    Kernels(KernelBank),
}

/// The nearest rows of `n` queries, on the device, as far as f32 can tell.
#[derive(Debug, Clone)]
pub(crate) struct NearestOnDevice {
    /// `[n]`.
    pub(crate) rows: Tensor<1, Int>,
    /// Their squared distances `[n]`.
    pub(crate) squared: Tensor<1>,
    /// Another row that may be as near `[n]`, or what [`Exact`] has for none and for several. `None` where nobody looked: then f32
    /// decides.
    pub(crate) others: Option<Tensor<1, Int>>,
}

/// The rows around a bank row, on the device, as far as f32 can tell; of every image of a batch.
#[derive(Debug, Clone)]
pub(crate) struct NeighborhoodOnDevice {
    /// The nearest rows `[images, k or a few more]`, nearest first.
    pub(crate) rows: Tensor<2, Int>,
    /// Squared distances of the image's worst query to them.
    pub(crate) squared: Tensor<2>,
}

impl DeviceBank {
    /// Uploads the bank.
    ///
    /// # Errors
    /// [`DeviceError::NoTensors`].
    pub(crate) fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        Ok(Self { device: device.clone(), form: Form::new(bank, device)?, exact: Arc::new(Exact::new(bank)) })
    }

    /// What tells it from another one, as long as it or a copy of it lives.
    #[cfg(feature = "cube")]
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.exact) as usize
    }

    /// The nearest row of every query and its squared distance, on the device. `queries`: `[n, dim]` f32.
    pub(crate) fn nearest_on_device(&self, queries: Tensor<2>) -> NearestOnDevice {
        match &self.form {
            Form::Tensors(bank) => {
                let (rows, squared) = bank.nearest(queries);
                NearestOnDevice { rows, squared, others: None }
            }
            #[cfg(feature = "cube")]
            Form::Kernels(bank) => {
                let (rows, others, squared) = bank.nearest(queries);
                NearestOnDevice { rows, squared, others: Some(others) }
            }
        }
    }

    /// The nearest row of every query `[n, dim]`, read back. `on_host` are the same queries, where they are at hand.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub(crate) fn nearest(&self, queries: Tensor<2>, on_host: Option<&[f32]>) -> Result<Vec<Neighbor>, DeviceError> {
        let NearestOnDevice { rows, squared, others } = self.nearest_on_device(queries.clone());
        let mut transaction = Transaction::default().register(rows).register(squared);
        if let Some(others) = others {
            transaction = transaction.register(others);
        }
        let mut data = transaction.try_execute().map_err(|error| self.failed(error))?.into_iter();
        let mut next = || data.next().ok_or_else(|| self.failed("an answer is missing"));
        let (rows, squared) = (self.integers(next()?)?, self.floats(next()?)?);
        let others = next().ok().map(|others| self.integers(others)).transpose()?.unwrap_or_default();
        let mut found = neighbors(&rows, &squared);
        self.decide(&mut found, &others, &queries, on_host)?;
        Ok(found)
    }

    /// Corrects what f32 could not decide; `others` as in [`NearestOnDevice`], read back, and empty where nobody looked. Returns the places
    /// that were looked at. Reads those queries back, unless they are at hand.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub(crate) fn decide(
        &self,
        found: &mut [Neighbor],
        others: &[i32],
        queries: &Tensor<2>,
        on_host: Option<&[f32]>,
    ) -> Result<Vec<usize>, DeviceError> {
        let open: Vec<usize> =
            others.iter().enumerate().filter(|(_, other)| **other != ALONE).map(|(at, _)| at).collect();
        if open.is_empty() {
            return Ok(open);
        }
        let dim = queries.dims()[1];
        let vectors: Vec<f32> = match on_host {
            Some(all) => open.iter().flat_map(|at| all.iter().skip(at * dim).take(dim)).copied().collect(),
            None => self.rows_of(queries, &open)?,
        };
        let (mut several, mut places) = (Vec::new(), Vec::new());
        for (at, vector) in open.iter().zip(vectors.chunks_exact(dim)) {
            let (Some(neighbor), Some(other)) = (found.get_mut(*at), others.get(*at)) else { continue };
            if vector.iter().any(|value| !value.is_finite()) {
                // What is no number has no nearest row: the score says so.
                *neighbor = Neighbor { row: 0, squared_distance: f32::NAN };
                continue;
            }
            match u32::try_from(*other) {
                Ok(other) => *neighbor = self.exact.nearer(vector, [neighbor.row, other]),
                Err(_) => {
                    several.extend_from_slice(vector);
                    places.push(*at);
                }
            }
        }
        for (at, nearest) in places.into_iter().zip(self.exact.nearest(&several)) {
            if let Some(neighbor) = found.get_mut(at) {
                *neighbor = nearest;
            }
        }
        Ok(open)
    }

    /// Whether kernels find so many ranks.
    pub(crate) fn ranks_on_device(&self, k: usize) -> bool {
        !matches!(self.form, Form::Tensors(_)) && k.min(self.exact.len()) <= MOST_RANKS
    }

    /// The `k` nearest rows of each of some vectors `[n, dim]`, nearest first, equal distances by row; as many of each vector, one after the
    /// other.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub(crate) fn k_nearest(&self, queries: &[f32], k: usize) -> Result<Vec<Neighbor>, DeviceError> {
        let (m, dim) = (self.exact.len(), self.exact.dim());
        let k = k.min(m);
        let mut found = Vec::with_capacity(queries.len() / dim * k);
        #[cfg(feature = "cube")]
        if let Form::Kernels(bank) = &self.form
            && k <= MOST_RANKS
        {
            let wanted = (k + SPARE).min(m);
            for some in queries.chunks((DISTANCES / m).clamp(1, 64) * dim) {
                let vectors = self.device.tensor(some.to_vec(), [some.len() / dim, dim])?;
                let ranks = bank.ranks(vectors, wanted).try_into_data().map_err(|error| self.failed(error))?;
                for (query, ranks) in some.chunks_exact(dim).zip(self.integers(ranks)?.chunks_exact(wanted)) {
                    let ranked = self.exact.in_order(query, ranks, k);
                    found.extend(ranked.unwrap_or_else(|| self.exact.k_nearest(query, k)));
                }
            }
            return Ok(found);
        }
        for query in queries.chunks_exact(dim) {
            found.extend(self.exact.k_nearest(query, k));
        }
        Ok(found)
    }

    /// For every image of a batch: squared distances of its worst query `[images, dim]` to the `k` bank rows nearest to
    /// `nearest`, the bank row nearest to that query (eq. 7), and a few more.
    pub(crate) fn to_neighborhood(&self, worst: Tensor<2>, nearest: Tensor<1, Int>, k: usize) -> NeighborhoodOnDevice {
        let (rows, of_rows) = match &self.form {
            Form::Tensors(bank) => (bank.ranks(nearest, k), bank.rows()),
            #[cfg(feature = "cube")]
            Form::Kernels(bank) => {
                let vectors = bank.rows().clone().select(0, nearest).cast(burn::tensor::DType::F32);
                (bank.ranks(vectors, (k + SPARE).min(self.exact.len())), bank.rows())
            }
        };
        let ([images, ranks], [_, dim]) = (rows.dims(), worst.dims());
        let neighbors = of_rows.clone().select(0, rows.clone().reshape([images * ranks]));
        let neighbors = neighbors.cast(burn::tensor::DType::F32).reshape([images, ranks, dim]);
        let difference = neighbors - worst.reshape([images, 1, dim]).repeat_dim(1, ranks);
        NeighborhoodOnDevice { rows, squared: difference.square().sum_dim(2).reshape([images, ranks]) }
    }

    /// Of what [`DeviceBank::to_neighborhood`] found for one image, read back: the squared distances to exactly the `k` rows nearest to
    /// `nearest`, in their order. `worst` reads the image's worst query, which is needed where f32 could not decide; of rows around
    /// another one than `nearest`, give none.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub(crate) fn neighborhood(
        &self,
        nearest: u32,
        (rows, squared): (&[i32], &[f32]),
        k: usize,
        worst: impl FnOnce() -> Result<Vec<f32>, DeviceError>,
    ) -> Result<Vec<f32>, DeviceError> {
        if matches!(self.form, Form::Tensors(_)) && !rows.is_empty() {
            return Ok(squared.to_vec());
        }
        let k = k.min(self.exact.len());
        let vector = self.exact.row(nearest);
        if let Some(ranked) = self.exact.in_order(vector, rows, k) {
            let of = |found: &Neighbor| rows.iter().zip(squared).find(|(row, _)| **row as u32 == found.row);
            return Ok(ranked.iter().filter_map(of).map(|(_, squared)| *squared).collect());
        }
        let worst = worst()?;
        let to_row = |found: &Neighbor| squared_distance(&worst, self.exact.row(found.row));
        Ok(self.exact.k_nearest(vector, k).iter().map(to_row).collect())
    }

    /// Some of the queries `[n, dim]`, read back.
    ///
    /// # Errors
    /// [`DeviceError::Execution`].
    pub(crate) fn rows_of(&self, queries: &Tensor<2>, which: &[usize]) -> Result<Vec<f32>, DeviceError> {
        let index: Vec<i32> = which.iter().map(|at| *at as i32).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [which.len()]), &queries.device());
        queries.clone().select(0, index).try_into_vec_as::<f32>().map_err(|error| self.failed(error))
    }

    fn integers(&self, data: TensorData) -> Result<Vec<i32>, DeviceError> {
        data.convert::<i32>().try_into_vec::<i32>().map_err(|error| self.failed(error))
    }

    fn floats(&self, data: TensorData) -> Result<Vec<f32>, DeviceError> {
        data.convert::<f32>().try_into_vec::<f32>().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: impl std::fmt::Display) -> DeviceError {
        self.device.failed(OPERATION, error)
    }
}

impl Form {
    fn new(bank: &MemoryBank, device: &ComputeDevice) -> Result<Self, DeviceError> {
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            return Ok(Self::Kernels(KernelBank::new(bank, device)?));
        }
        Ok(Self::Tensors(TensorBank::new(bank, device)?))
    }
}

/// Rows and squared distances that were read back.
pub(crate) fn neighbors(rows: &[i32], squared: &[f32]) -> Vec<Neighbor> {
    let pairs = rows.iter().zip(squared);
    pairs.map(|(row, squared)| Neighbor { row: *row as u32, squared_distance: *squared }).collect()
}
