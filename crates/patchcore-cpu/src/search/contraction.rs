//! The map to few coordinates in which no two vectors get farther apart, and its rounding to integers.
//!
//! With orthonormal axes `U` of the bank's leading variance and the bank's mean `c`, a vector `x` becomes
//! `(U^T (x - c), |x - c - U U^T (x - c)|)`. Distances between images are at most those between the vectors. Lengths
//! are in units of the longest bank row; a query longer than twice that is first drawn back to that length, towards
//! the mean: the bank lies in that ball, and nothing in a convex set gets farther away by projecting onto it.
//!
//! A vector is rounded twice. First as it is, to integers of which the longest row has about 16,000 steps: from there on products
//! with the axes (integers too) are exact, so that rows and queries get the same map to the last bit. Then the coordinates,
//! to the lattice of `2^-13`. What either rounding has changed is known for every vector and is its error: for two vectors
//! with integer images `i` and `j`, `|x - y| >= |i - j| - error(x) - error(y)`, all in lattice steps. That the integer axes are
//! not quite orthonormal costs no more than a factor, see [`Axes`]: for any matrix `U` that makes no vector longer the map
//! above, with `sqrt(|x|^2 - |U^T x|^2)` for the rest, brings no two vectors farther apart.

#![allow(clippy::indexing_slicing, reason = "buffers are sized by the same counts")]

use super::axes::{Axes, longest_in_steps};
use crate::lattice::{LENGTH, PANEL, SLACK, reach};
use crate::simd::Level;

/// Longest vector that is mapped, in lengths of the longest row; what is longer is drawn back to it.
const BALL: f64 = 2.0;

/// The map, and the axes it needs.
pub(super) struct Contraction {
    centre: Vec<f32>,
    /// One over the length of the longest bank row.
    scale: f64,
    /// Steps of the integer copies in the length of the longest row.
    steps: f64,
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
    /// The vectors themselves in integers, filled up to whole tiles unless there is just one: `[vectors][copy dims]`.
    pub(super) copies: &'a mut [i16],
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
    /// Squared length of the integer copy, in its own steps.
    pub(super) copy_norm: i32,
    /// Error of the integer copy, in its own steps.
    pub(super) copy_error: f32,
}

/// Buffers for [`Contraction::map`].
#[derive(Default)]
pub(super) struct MapScratch {
    /// Products with the axes, times -2: what the kernel gives.
    products: Vec<i32>,
}

impl Contraction {
    /// The map with the given mean, longest row and axes.
    pub(super) fn new(centre: Vec<f32>, longest: f64, axes: Axes) -> Self {
        let steps = longest_in_steps(centre.len()) / BALL;
        Self { centre, scale: if longest > 0.0 { 1.0 / longest } else { 1.0 }, steps, axes }
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
        let dim = self.centre.len();
        let n = rows.len() / dim;
        debug_assert!(rows.len() == n * dim && images.marks.len() >= n);
        self.copy(rows, n, images.copies, images.marks, instructions);
        let stride = self.axes.panels.len() * PANEL;
        self.turn(stride, images.copies, scratch, instructions);
        let count = self.axes.count;
        let coarse_axes = (dims[0] - 1).min(count);
        // Rows that are all alike have no axes: then every vector's coordinates are none.
        let products = scratch.products.chunks_exact(stride.max(1)).chain(std::iter::repeat(&[][..]));
        let outputs = images.coarse.chunks_exact_mut(dims[0]).zip(images.fine.chunks_exact_mut(dims[1]));
        for ((products, (coarse, fine)), mark) in products.zip(outputs).zip(&mut images.marks[..n]) {
            let copy = *mark;
            (mark.fine_norm, mark.fine_error) = self.round(&products[..count], &copy, fine, instructions);
            (mark.coarse_norm, mark.coarse_error) = self.round(&products[..coarse_axes], &copy, coarse, instructions);
        }
    }

    /// Coordinates of an integer copy.
    pub(super) fn copy_dims(&self) -> usize {
        self.axes.dims
    }

    /// A distance in steps of the integer copies.
    pub(super) fn in_copy_steps(&self, squared: f64) -> f64 {
        squared.sqrt() * self.scale * self.steps
    }

    /// Integer copies of the `n` rows, their squared lengths and errors.
    fn copy(&self, rows: &[f32], n: usize, copies: &mut [i16], marks: &mut [Mark], instructions: Level) {
        let (dim, dims) = (self.centre.len(), self.axes.dims);
        copies[n * dims..].fill(0);
        let longest = self.steps * BALL;
        for ((row, copy), mark) in rows.chunks_exact(dim).zip(copies.chunks_exact_mut(dims)).zip(marks) {
            copy[dim..].fill(0);
            let scale = self.scale * self.steps;
            let (squared, mut change) = instructions.copy(row, &self.centre, scale, &mut copy[..dim]);
            if squared > longest * longest {
                let scale = scale * longest / squared.sqrt();
                (_, change) = instructions.copy(row, &self.centre, scale, &mut copy[..dim]);
            }
            mark.copy_norm = instructions.product(copy, copy);
            mark.copy_error = (change.sqrt() * (1.0 + 1e-6) + 1e-6) as f32;
        }
    }

    /// Products of all copies with all axes, `[copies][stride]`.
    fn turn(&self, stride: usize, copies: &[i16], scratch: &mut MapScratch, instructions: Level) {
        let dims = self.axes.dims;
        scratch.products.resize(copies.len() / dims * stride, 0);
        for panel in 0..self.axes.panels.len() {
            let (values, out) = (self.axes.panels.panel(panel), &mut scratch.products[panel * PANEL..]);
            if copies.len() == dims {
                instructions.distances_to_one(values, &[0; PANEL], copies, &mut out[..PANEL]);
            } else {
                instructions.distances(values, &[0; PANEL], copies, dims, out, stride);
            }
        }
    }

    /// Rounds coordinates, and the rest that they leave of a copy. Gives the squared length and the error of the image.
    fn round(&self, products: &[i32], copy: &Mark, out: &mut [i16], instructions: Level) -> (i32, f32) {
        let count = products.len();
        out[count..].fill(0);
        let step = LENGTH / self.steps;
        let (on_axes, change) = instructions.round(products, -0.5 * step / self.axes.steps, &mut out[..count]);
        let (mut rest, mut rest_error) = (0.0, 0.0);
        if count < self.centre.len() {
            let squared = f64::from(copy.copy_norm) * step * step;
            let (left, doubt) = (squared - on_axes, squared * SLACK);
            let (most, least) = ((left + doubt).max(0.0).sqrt(), (left - doubt).max(0.0).sqrt());
            (rest, rest_error) = (0.5 * (most + least), 0.5 * (most - least));
            out[count] = rest.round() as i16;
        }
        let lattice = (change + (rest - rest.round()).powi(2)).sqrt();
        let error = f64::from(copy.copy_error) * step + lattice + rest_error;
        (instructions.product(out, out), (error * (1.0 + 1e-6) + 1e-6) as f32)
    }
}
