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
//!
//! Coarse images may have a coarser lattice, on which most coordinates fit into bytes. Coordinates that do not are cut to the
//! nearest that does: of any two numbers that brings none farther apart, so that it is part of the map and no error. (Cut and then
//! rounded is rounded and then cut, because what fits ends at whole numbers; and the change by rounding is at most that without a cut.)

#![allow(clippy::indexing_slicing, reason = "buffers are sized by the same counts")]

use super::axes::{Axes, longest_in_steps};
use crate::lattice::{LENGTH, PANEL, SLACK, Shape, reach};
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
    /// Few coordinates: `[vectors][places]`.
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
    /// Coordinates of one coarse image, before some of them become bytes.
    coordinates: Vec<i16>,
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

    /// Largest squared distance of images, with errors as given (both summed), of vectors `squared` apart or less; the longest
    /// row's image is `length` steps long.
    pub(super) fn reach(&self, squared: f64, length: f64, errors: f64) -> i32 {
        reach(squared.sqrt() * self.scale * length, errors)
    }

    /// Images of row-major `rows`: coarse ones of that shape, fine ones of so many coordinates, padding included. Bytes have a sign.
    pub(super) fn map(
        &self,
        rows: &[f32],
        shape: Shape,
        fine_dims: usize,
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
        let MapScratch { products, coordinates } = scratch;
        // Rows that are all alike have no axes: then every vector's coordinates are none.
        let products = products.chunks_exact(stride.max(1)).chain(std::iter::repeat(&[][..]));
        let outputs = images.coarse.chunks_exact_mut(shape.places()).zip(images.fine.chunks_exact_mut(fine_dims));
        for ((products, (coarse, fine)), mark) in products.zip(outputs).zip(&mut images.marks[..n]) {
            let copy = *mark;
            fine[count..].fill(0);
            mark.fine_error = self.round(&products[..count], &copy, LENGTH, fine, instructions);
            mark.fine_norm = instructions.product(fine, fine);
            (mark.coarse_norm, mark.coarse_error) =
                self.round_coarse(products, &copy, shape, coarse, coordinates, instructions);
        }
    }

    /// Number of axes.
    pub(super) fn axes(&self) -> usize {
        self.axes.count
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
                instructions.distances_to_one(values, &[0; PANEL], copies, dims, &mut out[..PANEL]);
            } else {
                instructions.distances(values, &[0; PANEL], copies, dims, out, stride);
            }
        }
    }

    /// Rounds coordinates and, behind them, the rest that they leave of a copy, where the longest row has `length` steps. Gives the
    /// error of the image.
    fn round(&self, products: &[i32], copy: &Mark, length: f64, out: &mut [i16], instructions: Level) -> f32 {
        let count = products.len();
        let step = length / self.steps;
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
        (error * (1.0 + 1e-6) + 1e-6) as f32
    }

    /// The coarse image: the first coordinates and the rest as they are, the others as bytes, with what does not fit drawn back to the
    /// nearest that does. Gives its squared length and its error.
    fn round_coarse(
        &self,
        products: &[i32],
        copy: &Mark,
        shape: Shape,
        out: &mut [i16],
        coordinates: &mut Vec<i16>,
        instructions: Level,
    ) -> (i32, f32) {
        out.fill(0);
        let axes = (shape.wide - 1 + shape.bytes).min(self.axes.count);
        let wide = (shape.wide - 1).min(axes);
        if wide == axes {
            let error = self.round(&products[..axes], copy, shape.length, out, instructions);
            return (instructions.product(out, out), error);
        }
        coordinates.clear();
        coordinates.resize(shape.wide + shape.bytes, 0);
        let error = self.round(&products[..axes], copy, shape.length, coordinates, instructions);
        out[..wide].copy_from_slice(&coordinates[..wide]);
        out[wide] = std::mem::take(&mut coordinates[axes]);
        let bytes = &mut coordinates[wide..wide + shape.bytes];
        bytes.iter_mut().for_each(|value| *value = (*value).clamp(-127, 127));
        Shape::pack(bytes, &mut out[shape.wide..]);
        let wide = &out[..shape.wide];
        (instructions.product(wide, wide) + instructions.product(bytes, bytes), error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::axes::{coordinate_axes, principal_axes};
    use super::{Contraction, Images, MapScratch, Mark};
    use crate::lattice::{LENGTH, Shape, TILE};
    use crate::simd::Level;
    use crate::testing::cases;

    /// The map of a bank of `rows`, with so many axes or all coordinates.
    fn map_of(rows: &[f32], dim: usize, count: Option<usize>, level: Level) -> Contraction {
        let n = (rows.len() / dim) as f32;
        let centre: Vec<f32> = (0..dim).map(|axis| rows.iter().skip(axis).step_by(dim).sum::<f32>() / n).collect();
        let mut centred = vec![0.0; rows.len()];
        let mut longest = 0.0;
        for (row, out) in rows.chunks_exact(dim).zip(centred.chunks_exact_mut(dim)) {
            longest = level.shift(row, &centre, 1.0, out).max(longest);
        }
        let longest = f64::sqrt(longest);
        let scale = if longest > 0.0 { 1.0 / longest } else { 1.0 };
        for (row, out) in rows.chunks_exact(dim).zip(centred.chunks_exact_mut(dim)) {
            level.shift(row, &centre, scale, out);
        }
        let axes = match count {
            Some(count) => principal_axes(&centred, dim, count, level),
            None => coordinate_axes(dim),
        };
        Contraction::new(centre, longest, axes)
    }

    /// Coordinates of coarse images of that shape and of fine ones, integer copies, and what is known of them.
    fn images(
        map: &Contraction,
        vectors: &[f32],
        shape: Shape,
        fine_dims: usize,
        level: Level,
    ) -> ([Vec<i16>; 3], Vec<Mark>) {
        let n = vectors.len() / map.centre.len();
        let padded = if n == 1 { 1 } else { n.next_multiple_of(TILE) };
        let (mut coarse, mut fine) = (vec![0; n * shape.places()], vec![0; n * fine_dims]);
        let (mut copies, mut marks) = (vec![0; padded * map.copy_dims()], vec![Mark::default(); n]);
        let images = Images { coarse: &mut coarse, fine: &mut fine, marks: &mut marks, copies: &mut copies };
        map.map(vectors, shape, fine_dims, images, &mut MapScratch::default(), level);
        let coordinates = coarse.chunks_exact(shape.places()).flat_map(|image| {
            let bytes =
                image[shape.wide..].iter().flat_map(|pair| pair.to_le_bytes()).map(|byte| i16::from(byte as i8));
            image[..shape.wide].iter().copied().chain(bytes)
        });
        ([coordinates.collect(), fine, copies], marks)
    }

    fn apart(a: &[i16], b: &[i16]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
    }

    /// A bank and, behind its rows, queries: with values that lie near one another, where errors of rounding are seen, at any
    /// scale, near the bank and far beyond it.
    fn bank_and_queries() -> impl Strategy<Value = (usize, usize, Vec<f32>)> {
        let value = prop_oneof![
            3 => -1.0f32..1.0,
            3 => (-0.01f32..0.01).prop_map(|value| 0.5 + value),
            1 => Just(0.5f32),
        ];
        let scale = prop_oneof![3 => Just(1.0f32), 1 => Just(1e-38), 1 => Just(1e30)];
        let beside = prop_oneof![3 => Just(1.0f32), 1 => Just(1e-4), 1 => Just(1e4)];
        let dim = prop_oneof![2 => 1usize..5, 1 => 5usize..17, 2 => 17usize..40];
        (dim, 1usize..30, 1usize..20, scale, beside).prop_flat_map(move |(dim, m, n, scale, beside)| {
            prop::collection::vec(value.clone(), (m + n) * dim).prop_map(move |mut values| {
                let (rows, queries) = values.split_at_mut(m * dim);
                rows.iter_mut().for_each(|value| *value *= scale);
                queries.iter_mut().for_each(|value| *value *= scale * beside);
                (dim, m, values)
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(128)))]

        /// In images of both depths and in the copies: what is left of their distance without both errors.
        #[test]
        fn images_are_no_farther_apart_than_vectors_and_their_errors(
            (dim, m, vectors) in bank_and_queries(),
            count in 1usize..24,
            (wide, bytes) in (1usize..5, 0usize..4),
            // At the least everything but what is nearest to the mean is drawn back.
            length in prop_oneof![1.0f64..100.0, 100.0f64..1000.0, Just(LENGTH)],
        ) {
            let shape = Shape::new(2 * wide, 4 * bytes, length);
            for level in Level::available() {
                let map = map_of(&vectors[..m * dim], dim, (dim > 16).then_some(count), level);
                let fine = map.fine_dims().next_multiple_of(if dim > 16 { 64 } else { 2 });
                let dims = [shape.coordinates(), fine];
                let ([coarse, fine, copies], marks) = images(&map, &vectors, shape, fine, level);
                for (image, mark) in coarse.chunks_exact(dims[0]).zip(&marks) {
                    prop_assert_eq!(mark.coarse_norm, image.iter().map(|value| i32::from(*value).pow(2)).sum::<i32>());
                }
                for (a, x) in vectors.chunks_exact(dim).enumerate() {
                    for (b, y) in vectors.chunks_exact(dim).enumerate().skip(a + 1) {
                        let difference = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
                        let squared: f64 = x.iter().zip(y).map(difference).sum();
                        let steps = squared.sqrt() * map.scale * LENGTH;
                        let coarse_steps = squared.sqrt() * map.scale * length;
                        let copy_steps = map.in_copy_steps(squared);
                        let known = [
                            ("coarse", &coarse, dims[0], coarse_steps, marks[a].coarse_error + marks[b].coarse_error),
                            ("fine", &fine, dims[1], steps, marks[a].fine_error + marks[b].fine_error),
                            ("copy", &copies, map.copy_dims(), copy_steps, marks[a].copy_error + marks[b].copy_error),
                        ];
                        for (name, images, dims, distance, errors) in known {
                            let found = apart(&images[a * dims..][..dims], &images[b * dims..][..dims]);
                            let least = found - f64::from(errors);
                            prop_assert!(least <= distance, "{level:?}, {name}: {a} and {b}, {least} > {distance}");
                        }
                    }
                }
            }
        }
    }
}
