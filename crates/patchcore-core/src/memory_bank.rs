//! The memory bank: the raw embeddings that the coreset kept, and where each came from.

#![allow(clippy::indexing_slicing, reason = "row slices are cut at multiples of the checked dimension")]

use std::sync::Arc;

use half::f16;
use patchcore_config::BankDtype;
use serde::{Deserialize, Serialize};

/// The training image and grid cell of a bank row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PatchOrigin {
    /// Index into the fit's list of images.
    pub image: u32,
    /// Row of the grid.
    pub row: u16,
    /// Column of the grid.
    pub column: u16,
}

/// Rows `[m, dim]` with their origins. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryBank {
    dtype: BankDtype,
    dim: usize,
    rows: Arc<Vec<f32>>,
    origins: Arc<Vec<PatchOrigin>>,
}

impl MemoryBank {
    /// A bank of row-major `rows` `[m, dim]`, one origin each. Truncates both to the whole rows that have an origin.
    pub fn new(dim: usize, mut rows: Vec<f32>, mut origins: Vec<PatchOrigin>) -> Self {
        let whole = origins.len().min(rows.len().checked_div(dim).unwrap_or(0));
        rows.truncate(whole * dim);
        origins.truncate(whole);
        Self { dtype: BankDtype::F32, dim, rows: Arc::new(rows), origins: Arc::new(origins) }
    }

    /// A bank of rows without origins, as [`PatchCore::with_bank`](crate::PatchCore::with_bank) takes them; `None` for
    /// values that are not whole rows.
    pub fn from_rows(dim: usize, rows: Vec<f32>) -> Option<Self> {
        let whole = dim > 0 && rows.len().is_multiple_of(dim);
        whole.then(|| {
            let origins = vec![PatchOrigin { image: 0, row: 0, column: 0 }; rows.len() / dim];
            Self::new(dim, rows, origins)
        })
    }

    /// The same bank in another format; its values are rounded to it.
    #[must_use]
    pub fn with_dtype(mut self, dtype: BankDtype) -> Self {
        if dtype != self.dtype {
            round(dtype, Arc::<Vec<f32>>::make_mut(&mut self.rows).as_mut_slice());
        }
        Self { dtype, ..self }
    }

    /// The format in which the bank is kept.
    pub fn dtype(&self) -> BankDtype {
        self.dtype
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether there is no row; never true of a fitted model.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Values per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row-major `[len, dim]`.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// One row; empty for an index past the end.
    pub fn row(&self, index: usize) -> &[f32] {
        self.rows.get(index * self.dim..(index + 1) * self.dim).unwrap_or(&[])
    }

    /// Where each row came from.
    pub fn origins(&self) -> &[PatchOrigin] {
        &self.origins
    }
}

/// Rounds values to the format.
pub(crate) fn round(dtype: BankDtype, values: &mut [f32]) {
    if dtype == BankDtype::F16 {
        for value in values {
            *value = f16::from_f32(*value).to_f32();
        }
    }
}
