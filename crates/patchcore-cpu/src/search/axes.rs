//! Leading principal axes of the bank, by orthogonal iteration.
//!
//! Any orthonormal axes make a valid bound; good ones only make it tight. So a few iterations from a fixed start are
//! enough, on a sample of the rows, and nothing here has to be the same on every processor.

#![allow(clippy::indexing_slicing, reason = "square buffers of the dimensions given")]

use gemm_common::Parallelism;

use crate::lattice::Panels;
use crate::matrix_product::product;
use crate::simd::Level;

/// Rounds of the iteration.
const ROUNDS: usize = 4;

/// Axes in integers: products with integer vectors are exact, so that what rounding has made of an axis is no error of a
/// coordinate. It only leaves the axes not quite orthonormal, which `steps` takes care of.
pub(super) struct Axes {
    /// The axes as rows for the kernels; of odd dimensions with a zero more.
    pub(super) panels: Panels,
    /// Coordinates of an axis: the dimension, made even.
    pub(super) dims: usize,
    /// Number of axes; fewer than asked for when the rows span fewer.
    pub(super) count: usize,
    /// What products are divided by, so that no vector gets longer: the length of an axis, times the most that all together
    /// stretch a vector.
    pub(super) steps: f64,
}

/// At most `count` leading axes of a row-major `sample` `[n, dim]` of rows, which are centred.
pub(super) fn principal_axes(sample: &[f32], dim: usize, count: usize, instructions: Level) -> Axes {
    let samples = sample.len() / dim;
    let mut covariance = vec![0.0f32; dim * dim];
    product(&mut covariance, [dim, dim], false, sample, [1, dim], sample, [dim, 1], samples, Parallelism::None);

    // One axis per row: what is made orthogonal lies side by side.
    let count = count.min(dim);
    let mut axes: Vec<f64> = start(count * dim);
    let mut image = vec![0.0f32; count * dim];
    for _ in 0..ROUNDS {
        let kept = orthonormalize(&mut axes, dim, instructions);
        let narrow: Vec<f32> = axes[..kept * dim].iter().map(|value| *value as f32).collect();
        image.truncate(kept * dim);
        product(&mut image, [kept, dim], false, &narrow, [dim, 1], &covariance, [dim, 1], dim, Parallelism::None);
        axes.truncate(kept * dim);
        // Longest first: the image's length is the variance along the axis.
        let mut order: Vec<(f64, usize)> = (0..kept)
            .map(|axis| (image[axis * dim..(axis + 1) * dim].iter().map(|x| f64::from(*x).powi(2)).sum(), axis))
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (target, (_, source)) in axes.chunks_exact_mut(dim).zip(order) {
            for (target, value) in target.iter_mut().zip(&image[source * dim..(source + 1) * dim]) {
                *target = f64::from(*value);
            }
        }
    }
    orthonormalize(&mut axes, dim, instructions);
    // Once more: the first pass leaves the rounding errors of nearly dependent rows.
    let kept = orthonormalize(&mut axes, dim, instructions);
    finish(&axes[..kept * dim], dim, kept)
}

/// The coordinate axes themselves, for rows so short that nothing is gained by turning them.
pub(super) fn coordinate_axes(dim: usize) -> Axes {
    let mut values = vec![0.0; dim * dim];
    values.iter_mut().step_by(dim + 1).for_each(|value| *value = 1.0);
    finish(&values, dim, dim)
}

/// Longest integer vector of `dim` coordinates that is asked for. Rounding adds at most `sqrt(dim) / 2` to it, so that no
/// coordinate leaves an `i16`, and twice the product of two vectors no `i32`.
pub(super) fn longest_in_steps(dim: usize) -> f64 {
    (32_767.0 - (dim as f64).sqrt()).max(1.0)
}

fn finish(axes: &[f64], dim: usize, count: usize) -> Axes {
    let length = longest_in_steps(dim);
    let dims = dim.next_multiple_of(2);
    let mut integers = vec![0i16; dims * count];
    for (axis, out) in axes.chunks_exact(dim).zip(integers.chunks_exact_mut(dims)) {
        for (value, out) in axis.iter().zip(out) {
            *out = (value * length).round() as i16;
        }
    }
    let wide: Vec<f64> = integers.iter().map(|value| f64::from(*value)).collect();
    let square = [count, count];
    // Exact: sums of products of integers.
    let mut gram = vec![0.0f64; count * count];
    product(&mut gram, square, false, &wide, [dims, 1], &wide, [1, dims], dims, Parallelism::None);
    gram.iter_mut().for_each(|value| *value /= length * length);
    gram.iter_mut().step_by(count + 1).for_each(|value| *value -= 1.0);
    // Its largest eigenvalue is the most by which a squared length grows. The sum of all squared entries is that of all
    // squared eigenvalues, and of the fourth power it is dominated by the largest.
    for _ in 0..2 {
        let mut power = vec![0.0f64; count * count];
        product(&mut power, square, false, &gram, [count, 1], &gram, [count, 1], count, Parallelism::None);
        gram = power;
    }
    let growth = gram.iter().map(|value| value * value).sum::<f64>().powf(0.125);
    let steps = length * (1.0 + growth * (1.0 + 1e-6) + 1e-12).sqrt();
    Axes { panels: Panels::pack(&integers, dims, dims), dims, count, steps }
}

/// Fixed pseudo-random numbers to start from.
fn start(count: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1 << 23) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Modified Gram-Schmidt on rows; rows that depend on those before them are dropped. Returns how many are left.
fn orthonormalize(rows: &mut [f64], dim: usize, instructions: Level) -> usize {
    let mut kept = 0;
    for row in 0..rows.len() / dim {
        rows.copy_within(row * dim..(row + 1) * dim, kept * dim);
        let (before, current) = rows.split_at_mut(kept * dim);
        let current = &mut current[..dim];
        let length = instructions.dot(current, current).sqrt();
        for axis in before.chunks_exact(dim) {
            let along = instructions.dot(axis, current);
            instructions.subtract(current, along, axis);
        }
        let left = instructions.dot(current, current).sqrt();
        if left > 1e-6 * length && left.is_normal() {
            current.iter_mut().for_each(|value| *value /= left);
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Axes, coordinate_axes, longest_in_steps, principal_axes};
    use crate::lattice::PANEL;
    use crate::simd::Level;
    use crate::testing::cases;

    /// The most by which a vector's products with the axes, divided by their steps, are longer than the vector: the largest
    /// singular value, by power iteration.
    fn most_stretch(axes: &Axes, dim: usize) -> f64 {
        let (count, length) = (axes.count, longest_in_steps(dim));
        if count == 0 {
            return 0.0;
        }
        let value = |axis: usize, at: usize| {
            let panel = axes.panels.panel(axis / PANEL);
            f64::from(panel[(at / 2 * PANEL + axis % PANEL) * 2 + at % 2])
        };
        // By what the products of the axes with one another differ from those of orthonormal ones.
        let excess: Vec<f64> = (0..count * count)
            .map(|entry| {
                let (a, b) = (entry / count, entry % count);
                let product: f64 = (0..dim).map(|at| value(a, at) * value(b, at)).sum();
                product / (length * length) - if a == b { 1.0 } else { 0.0 }
            })
            .collect();
        let times = |vector: &[f64]| -> Vec<f64> {
            excess.chunks_exact(count).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
        };
        // With it added, no eigenvalue is negative.
        let shift = excess.iter().map(|value| value * value).sum::<f64>().sqrt() + 1e-9;
        let mut vector: Vec<f64> = (0..count).map(|at| (at as f64 + 1.0).sin()).collect();
        for _ in 0..1000 {
            let image = times(&vector);
            vector.iter_mut().zip(image).for_each(|(value, image)| *value = *value * shift + image);
            let long = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
            vector.iter_mut().for_each(|value| *value /= long);
        }
        let growth: f64 = times(&vector).iter().zip(&vector).map(|(a, b)| a * b).sum();
        (1.0 + growth).sqrt() * length / axes.steps
    }

    fn check(axes: &Axes, dim: usize) {
        let most = most_stretch(axes, dim);
        assert!(most <= 1.0, "a vector of {dim} values gets {most} times as long");
        assert!(axes.count == 0 || most > 0.99, "all vectors of {dim} values get shorter: {most}");
    }

    #[test]
    fn coordinate_axes_make_no_vector_longer() {
        (1..=16).for_each(|dim| check(&coordinate_axes(dim), dim));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(64)))]

        #[test]
        fn principal_axes_make_no_vector_longer(
            (dim, sample) in (17usize..48, 1usize..60).prop_flat_map(|(dim, n)| {
                let value = prop_oneof![3 => -1.0f32..1.0, 1 => Just(0.0f32)];
                (Just(dim), prop::collection::vec(value, n * dim))
            }),
            count in 1usize..48,
        ) {
            for level in Level::available() {
                check(&principal_axes(&sample, dim, count, level), dim);
            }
        }
    }
}
