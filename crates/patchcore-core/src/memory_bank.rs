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

/// Why values are no memory bank.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BankError {
    /// No row, or a cut one.
    #[error("a bank of {found} values: expected whole rows of {dim} values, one per patch, and at least one")]
    Rows {
        /// Values found.
        found: usize,
        /// Values per row.
        dim: usize,
    },
    /// Rows without an origin, or origins without a row.
    #[error("a bank of {rows} rows with {found} origins: expected one origin for each row")]
    Origins {
        /// Rows of the bank.
        rows: usize,
        /// Origins found.
        found: usize,
    },
    /// NaN or infinity.
    #[error("row {row} of the bank holds {value}: expected finite values")]
    NotFinite {
        /// The row.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A value that the half-precision format has no number for.
    #[error("row {row} of the bank holds {value}, expected at most 65504 in f16; keep the bank in f32")]
    TooLargeForF16 {
        /// The row.
        row: usize,
        /// The value.
        value: f32,
    },
}

/// Rows `[m, dim]`, at least one, all values finite, with their origins where these are known. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryBank {
    dtype: BankDtype,
    dim: usize,
    rows: Arc<Vec<f32>>,
    origins: Option<Arc<Vec<PatchOrigin>>>,
}

impl MemoryBank {
    /// A bank of row-major `rows` `[m, dim]`, one origin each.
    ///
    /// # Errors
    /// [`BankError`]: no row, a cut one, a value that is not finite, and origins that are not as many as the rows.
    pub fn new(dim: usize, rows: Vec<f32>, origins: Vec<PatchOrigin>) -> Result<Self, BankError> {
        let bank = Self::from_rows(dim, rows)?;
        if origins.len() != bank.len() {
            return Err(BankError::Origins { rows: bank.len(), found: origins.len() });
        }
        Ok(Self { origins: Some(Arc::new(origins)), ..bank })
    }

    /// A bank of row-major `rows` `[m, dim]` of which nobody knows where they came from, as
    /// [`PatchCore::with_bank`](crate::PatchCore::with_bank) takes them.
    ///
    /// # Errors
    /// [`BankError`]: no row, a cut one, and a value that is not finite.
    pub fn from_rows(dim: usize, rows: Vec<f32>) -> Result<Self, BankError> {
        if dim == 0 || rows.is_empty() || !rows.len().is_multiple_of(dim) {
            return Err(BankError::Rows { found: rows.len(), dim });
        }
        if let Some((at, value)) = rows.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(BankError::NotFinite { row: at / dim, value: *value });
        }
        Ok(Self { dtype: BankDtype::F32, dim, rows: Arc::new(rows), origins: None })
    }

    /// The same bank in another format; its values are rounded to it.
    ///
    /// # Errors
    /// [`BankError::TooLargeForF16`].
    pub fn with_dtype(mut self, dtype: BankDtype) -> Result<Self, BankError> {
        if dtype != self.dtype {
            let is_lost = |value: f32| dtype == BankDtype::F16 && f16::from_f32(value).is_infinite();
            if let Some((at, value)) = self.rows.iter().enumerate().find(|(_, value)| is_lost(**value)) {
                return Err(BankError::TooLargeForF16 { row: at / self.dim, value: *value });
            }
            round(dtype, Arc::<Vec<f32>>::make_mut(&mut self.rows).as_mut_slice());
        }
        Ok(Self { dtype, ..self })
    }

    /// The format in which the bank is kept.
    pub fn dtype(&self) -> BankDtype {
        self.dtype
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there is no row: never.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Values per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row-major `[len, dim]`.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// One row.
    ///
    /// # Panics
    /// For an index past the end.
    pub fn row(&self, index: usize) -> &[f32] {
        assert!(index < self.len(), "row {index} of a bank of {}", self.len());
        &self.rows[index * self.dim..][..self.dim]
    }

    /// Where each row came from; `None` of a bank from elsewhere.
    pub fn origins(&self) -> Option<&[PatchOrigin]> {
        self.origins.as_ref().map(|origins| origins.as_slice())
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT: PatchOrigin = PatchOrigin { image: 3, row: 2, column: 1 };

    #[test]
    fn a_bank_is_whole_rows_with_an_origin_each_or_none() {
        let bank = MemoryBank::new(2, vec![1.0; 6], vec![AT; 3]).unwrap();
        assert_eq!((bank.len(), bank.row(2), bank.origins()), (3, &[1.0; 2][..], Some(&[AT; 3][..])));
        assert_eq!(MemoryBank::from_rows(2, vec![1.0; 6]).unwrap().origins(), None);
        assert_eq!(MemoryBank::new(2, vec![1.0; 6], vec![AT; 2]), Err(BankError::Origins { rows: 3, found: 2 }));
        for (dim, found) in [(2, 5), (2, 0), (0, 4)] {
            assert_eq!(MemoryBank::from_rows(dim, vec![1.0; found]), Err(BankError::Rows { found, dim }));
        }
        let error = MemoryBank::from_rows(2, vec![0.0, 1.0, 2.0, f32::INFINITY]).unwrap_err();
        assert_eq!(error, BankError::NotFinite { row: 1, value: f32::INFINITY });
    }

    #[test]
    fn what_half_precision_cannot_hold_is_refused() {
        let bank = |value| MemoryBank::from_rows(1, vec![0.1, value]).unwrap().with_dtype(BankDtype::F16);
        assert_eq!(bank(65504.0).unwrap().rows(), [f16::from_f32(0.1).to_f32(), 65504.0]);
        assert_eq!(bank(-65520.0), Err(BankError::TooLargeForF16 { row: 1, value: -65520.0 }));
    }

    #[test]
    #[should_panic(expected = "row 3 of a bank of 3")]
    fn a_row_past_the_end_is_no_empty_row() {
        let _ = MemoryBank::from_rows(2, vec![1.0; 6]).unwrap().row(3);
    }
}
