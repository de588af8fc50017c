//! The map to few coordinates in which no two vectors get farther apart, and its rounding to integers.
//!
//! With orthonormal axes `U` of the bank's leading variance and the bank's mean `c`, a vector `x` becomes
//! `(U^T (x - c), |x - c - U U^T (x - c)|)`. Distances between images are at most those between the vectors. Lengths
//! are in units of the longest bank row; a query longer than twice that is first drawn back to that length, towards
//! the mean: the bank lies in that ball, and nothing in a convex set gets farther away by projecting onto it.
//!
//! All that rounding can do is added up in an error per vector: of the difference and of the matrix product in `f32`
//! (the bounds hold for any order of summation), of axes that are not quite orthonormal, of the rest's length, and of
//! the lattice of `2^-13` on which the coordinates end up. For two vectors, with integer images `i` and `j`,
//! `|x - y| >= |i - j| - error(x) - error(y)`, all in lattice steps.

#![allow(clippy::indexing_slicing, reason = "buffers are sized by the same counts")]

use gemm_common::Parallelism;

use super::axes::Axes;
use crate::lattice::{LENGTH, SLACK, reach};
use crate::matrix_product::product;
use crate::simd::Level;

/// Terms that the matrix product adds up before it goes on with a fresh sum: bounds its rounding error.
const INNER: usize = 128;
/// Unit roundoff of `f32`.
const ROUNDOFF: f64 = 1.0 / (1 << 24) as f64;

/// The map, and the axes it needs.
pub(super) struct Contraction {
    centre: Vec<f32>,
    /// One over the length of the longest bank row.
    scale: f64,
    axes: Axes,
}

/// Integer images of one vector at two depths.
pub(super) struct Images<'a> {
    /// Few coordinates: `[vectors][coarse dims]`.
    pub(super) coarse: &'a mut [i16],
    /// More of them: `[vectors][fine dims]`.
    pub(super) fine: &'a mut [i16],
    /// Squared lengths and errors of both.
    pub(super) marks: &'a mut [Mark],
}

/// What a bound needs besides the coordinates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// Squared length of the coarse image.
    pub(super) coarse_norm: i32,
    /// Squared length of the fine image.
    pub(super) fine_norm: i32,
    /// Error of the coarse image, in steps.
    pub(super) coarse_error: f32,
    /// Error of the fine image, in steps.
    pub(super) fine_error: f32,
}

/// Buffers for [`Contraction::map`].
#[derive(Default)]
pub(super) struct MapScratch {
    shifted: Vec<f32>,
    turned: Vec<f32>,
    lengths: Vec<f64>,
}

impl Contraction {
    /// The map with the given mean, longest row and axes.
    pub(super) fn new(centre: Vec<f32>, longest: f64, axes: Axes) -> Self {
        Self { centre, scale: if longest > 0.0 { 1.0 / longest } else { 1.0 }, axes }
    }

    /// Coordinates of an image that holds all axes and the rest, before padding.
    pub(super) fn fine_dims(&self) -> usize {
        self.axes.count + 1
    }

    /// Largest squared distance of images, with errors as given (both summed), of vectors `squared` apart or less.
    pub(super) fn reach(&self, squared: f64, errors: f64) -> i32 {
        reach(squared.sqrt() * self.scale * LENGTH, errors)
    }

    /// Images of row-major `rows`; `dims` are those of the coarse and the fine image, padding included.
    pub(super) fn map(
        &self,
        rows: &[f32],
        dims: [usize; 2],
        images: Images<'_>,
        scratch: &mut MapScratch,
        instructions: Level,
    ) {
        let (dim, count) = (self.centre.len(), self.axes.count);
        let n = rows.len() / dim;
        debug_assert!(rows.len() == n * dim && images.marks.len() >= n);
        scratch.shifted.resize(n * dim, 0.0);
        scratch.turned.resize(n * count, 0.0);
        scratch.lengths.resize(n, 0.0);
        let shifted = scratch.shifted.chunks_exact_mut(dim).zip(&mut scratch.lengths);
        for (row, (shifted, length)) in rows.chunks_exact(dim).zip(shifted) {
            *length = instructions.shift(row, &self.centre, self.scale, shifted);
            if *length > 4.0 {
                *length = instructions.shift(row, &self.centre, self.scale * 2.0 / length.sqrt(), shifted);
            }
        }
        self.turn(&scratch.shifted, &mut scratch.turned, n);
        let coarse_axes = (dims[0] - 1).min(count);
        // Rows that are all alike have no axes: then every vector's coordinates are none.
        let turned = scratch.turned.chunks_exact(count.max(1)).chain(std::iter::repeat(&[][..]));
        let outputs = images.coarse.chunks_exact_mut(dims[0]).zip(images.fine.chunks_exact_mut(dims[1]));
        for (((turned, length), (coarse, fine)), mark) in turned.zip(&scratch.lengths).zip(outputs).zip(images.marks) {
            (mark.fine_norm, mark.fine_error) = self.round(turned, *length, fine, instructions);
            (mark.coarse_norm, mark.coarse_error) = self.round(&turned[..coarse_axes], *length, coarse, instructions);
        }
    }

    /// Rounds coordinates, and the rest that they leave of a vector with this squared length. Gives the squared
    /// length and the error of the image.
    fn round(&self, coordinates: &[f32], squared: f64, out: &mut [i16], instructions: Level) -> (i32, f32) {
        let count = coordinates.len();
        out[count..].fill(0);
        let (on_axes, change) = instructions.round(coordinates, LENGTH, &mut out[..count]);
        let length = squared.sqrt();
        let dim = self.centre.len();
        let terms = (INNER.min(dim) + dim.div_ceil(INNER) + 4) as f64;
        let dot = terms * ROUNDOFF * 1.01 * (count as f64).sqrt() * (1.0 + self.axes.defect);
        let turned = length * (dot + self.axes.defect + 2.0 * ROUNDOFF) + 1e-30;
        let (mut rest, mut rest_error) = (0.0, 0.0);
        if count < dim {
            let left = squared - on_axes;
            let doubt = (2.0 * length + turned) * turned + squared * SLACK;
            let (most, least) = ((left + doubt).max(0.0).sqrt(), (left - doubt).max(0.0).sqrt());
            (rest, rest_error) = (0.5 * (most + least), 0.5 * (most - least));
        }
        let rounded = (rest * LENGTH).round();
        if count < dim {
            out[count] = rounded as i16;
        }
        let lattice = (change + (rest * LENGTH - rounded).powi(2)).sqrt();
        let error = lattice + LENGTH * (turned * turned + rest_error * rest_error).sqrt();
        (instructions.product(out, out), (error * (1.0 + 1e-6) + 1e-6) as f32)
    }

    /// `turned [n, count] = shifted [n, dim] axes [dim, count]`.
    fn turn(&self, shifted: &[f32], turned: &mut [f32], n: usize) {
        let (dim, count) = (self.centre.len(), self.axes.count);
        if n == 0 || count == 0 {
            return;
        }
        for start in (0..dim).step_by(INNER) {
            let inner = INNER.min(dim - start);
            let (columns, axes) = (&shifted[start..], &self.axes.values[start * count..]);
            product(turned, [n, count], start > 0, columns, [dim, 1], axes, [count, 1], inner, Parallelism::None);
        }
    }
}
