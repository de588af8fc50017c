//! The bank's rows in bytes, for the last bound: of the few rows that the images leave over, a quarter of the memory is read.
//!
//! Row `x` becomes `s i` with a step `s` of its own, the largest coordinate over 127, and what rounding has changed is known. So
//! `|x - y| >= |s i - j| - error(x) - error(y)` for the integer copy `j` of a query, and `|s i - j|^2` is
//! `s^2 |i|^2 + |j|^2 - 2 s i . j`, of which only the last part depends on both.

#![allow(clippy::indexing_slicing, reason = "row numbers are those of the bank that the bytes were made from")]

use super::contraction::Mark;
use crate::lattice::SLACK;
use crate::simd::Level;

/// Longest row in its own steps: its squared length stays in an `i32`, with what rounding adds to it, and so does its product with an
/// integer copy, which is shorter.
const LONGEST: f64 = 46_000.0;

/// All rows in bytes.
#[derive(Default)]
pub(super) struct ByteRows {
    /// `[rows][dims]`.
    values: Vec<i8>,
    marks: Vec<ByteMark>,
    dims: usize,
}

/// What a bound needs besides the bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct ByteMark {
    /// Steps of the integer copies in one of the row's own.
    step: f32,
    /// Squared length in steps of its own.
    squared: i32,
    /// Error in steps of the integer copies, theirs included.
    error: f32,
}

impl ByteRows {
    /// Room for so many rows of `dims` coordinates.
    pub(super) fn zeros(rows: usize, dims: usize) -> Self {
        Self { values: vec![0; rows * dims], marks: vec![ByteMark::default(); rows], dims }
    }

    /// The bytes and the marks, to be filled by [`to_bytes`].
    pub(super) fn parts(&mut self) -> (&mut [i8], &mut [ByteMark]) {
        (&mut self.values, &mut self.marks)
    }

    /// The bytes of a row.
    pub(super) fn row(&self, row: usize) -> &[i8] {
        &self.values[row * self.dims..][..self.dims]
    }

    /// Whether a row may be as near as `distance`, the query's error included: both in steps of the integer copies, as is the
    /// query's `copy` with its squared length.
    pub(super) fn may_be_within(&self, row: usize, copy: &[i16], squared: i32, distance: f64, level: Level) -> bool {
        let ByteMark { step, squared: own, error } = self.marks[row];
        let step = f64::from(step);
        let product = f64::from(level.product_of_bytes(copy, self.row(row)));
        let reach = distance + f64::from(error);
        f64::from(squared) + step * (step * f64::from(own) - 2.0 * product) <= reach * reach * (1.0 + SLACK) + 1.0
    }
}

/// The bytes of an integer copy, of which `mark` knows the squared length and the error.
pub(super) fn to_bytes(copy: &[i16], mark: &Mark, out: &mut [i8], level: Level) -> ByteMark {
    let largest = copy.iter().fold(0, |largest, value| value.unsigned_abs().max(largest));
    let step = (f64::from(largest) / 127.0).max(f64::from(mark.copy_norm).sqrt() / LONGEST) as f32;
    let step = if step > 0.0 { step } else { 1.0 };
    let (change, squared) = level.to_bytes(copy, step, out);
    let dims = copy.len() as f64;
    // What was changed has been computed in `f32`: the sum, and of each coordinate the product with the step.
    let change = change.sqrt() * (1.0 + dims * 1e-7 + 1e-5) + dims.sqrt() * 0.004 + 1e-3;
    let error = change + f64::from(mark.copy_error);
    ByteMark { step, squared, error: error as f32 }
}
