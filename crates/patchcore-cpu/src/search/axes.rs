//! Leading principal axes of the bank, by orthogonal iteration.
//!
//! Any orthonormal axes make a valid bound; good ones only make it tight. So a few iterations from a fixed start are
//! enough, on a sample of the rows, and nothing here has to be the same on every processor.

#![allow(clippy::indexing_slicing, reason = "square buffers of the dimensions given")]

use gemm_common::Parallelism;

use crate::matrix_product::product;
use crate::simd::Level;

/// Rounds of the iteration.
const ROUNDS: usize = 4;

/// Orthonormal axes, column after column of a row-major `[dim, count]` matrix.
pub(super) struct Axes {
    /// `[dim, count]`.
    pub(super) values: Vec<f32>,
    /// Number of axes; fewer than asked for when the rows span fewer.
    pub(super) count: usize,
    /// Frobenius norm of `values^T values - 1`: how far from orthonormal rounding has left them.
    pub(super) defect: f64,
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
    Axes { values, count: dim, defect: 0.0 }
}

fn finish(axes: &[f64], dim: usize, count: usize) -> Axes {
    let mut values = vec![0.0f32; dim * count];
    for (axis, row) in axes.chunks_exact(dim).enumerate() {
        for (at, value) in row.iter().enumerate() {
            values[at * count + axis] = *value as f32;
        }
    }
    let wide: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    let mut gram = vec![0.0f64; count * count];
    product(&mut gram, [count, count], false, &wide, [1, count], &wide, [count, 1], dim, Parallelism::None);
    gram.iter_mut().step_by(count + 1).for_each(|value| *value -= 1.0);
    let defect = gram.iter().map(|value| value * value).sum::<f64>().sqrt() + 1e-12;
    Axes { values, count, defect }
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
