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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ByteRows, Mark, to_bytes};
    use crate::simd::Level;
    use crate::testing::cases;

    /// An integer copy of about the given shape and length.
    fn copy_of(shape: &[f64], length: f64) -> Vec<i16> {
        let long = shape.iter().map(|value| value * value).sum::<f64>().sqrt().max(1e-9);
        let mut copy: Vec<i16> = shape.iter().map(|value| (value / long * length).round() as i16).collect();
        copy.resize(copy.len().next_multiple_of(2), 0);
        copy
    }

    fn squared_length(copy: &[i16]) -> i32 {
        copy.iter().map(|value| i32::from(*value).pow(2)).sum()
    }

    /// Values that differ much, so that a step is large, or not at all.
    fn shapes() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![4 => -1.0f64..1.0, 1 => Just(0.0f64), 1 => Just(-1.0f64), 1 => Just(9.0f64)];
        prop_oneof![
            4 => prop::collection::vec(value, 1..300),
            1 => prop::collection::vec(Just(1.0f64), 1..300),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(128)))]

        #[test]
        fn bytes_are_no_farther_from_a_row_than_their_error(
            shape in shapes(),
            length in prop_oneof![0.0f64..3.0, 3.0f64..200.0, 200.0f64..16_000.0],
            copy_error in 0.0f32..20.0,
        ) {
            let copy = copy_of(&shape, length);
            let mark = Mark { copy_norm: squared_length(&copy), copy_error, ..Mark::default() };
            for level in Level::available() {
                let mut bytes = vec![0; copy.len()];
                let found = to_bytes(&copy, &mark, &mut bytes, level);
                let step = f64::from(found.step);
                let changes = copy.iter().zip(&bytes).map(|(value, byte)| f64::from(*value) - step * f64::from(*byte));
                let change = changes.map(|change| change * change).sum::<f64>().sqrt();
                let (known, error) = (f64::from(found.error), change + f64::from(copy_error));
                prop_assert!(error <= known, "{level:?}: {error} > {known}");
                // No more than the rounding of `f32` may come to.
                let rounding = 0.008 * (copy.len() as f64).sqrt() + 0.01;
                prop_assert!(known <= error * 1.001 + rounding, "{level:?}: {known} is far more than {error}");
                prop_assert_eq!(found.squared, bytes.iter().map(|byte| i32::from(*byte).pow(2)).sum::<i32>());
            }
        }

        /// Rows and queries that their copies stand for exactly.
        #[test]
        fn a_row_may_be_within_its_true_distance(
            row in shapes(),
            other in shapes(),
            toward in 0.0f64..1.0,
            length in prop_oneof![3.0f64..200.0, 200.0f64..16_000.0],
        ) {
            let dims = row.len().next_multiple_of(2);
            let row = copy_of(&row, length);
            // Between the row and another, so at any distance.
            let mut query = copy_of(&other, length);
            query.resize(dims, 0);
            for (query, row) in query.iter_mut().zip(&row) {
                *query = (f64::from(*row) + toward.powi(3) * (f64::from(*query) - f64::from(*row))).round() as i16;
            }
            let differences = query.iter().zip(&row).map(|(a, b)| f64::from(*a) - f64::from(*b));
            let distance = differences.map(|difference| difference * difference).sum::<f64>().sqrt();
            let mark = Mark { copy_norm: squared_length(&row), ..Mark::default() };
            for level in Level::available() {
                let mut rows = ByteRows::zeros(1, dims);
                let (bytes, marks) = rows.parts();
                marks[0] = to_bytes(&row, &mark, bytes, level);
                let squared = squared_length(&query);
                prop_assert!(rows.may_be_within(0, &query, squared, distance, level), "{level:?}: {distance}");
            }
        }
    }
}
