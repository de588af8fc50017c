//! Upsampling and smoothing along one axis as one matrix.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::{Border, Smoothing, Upsampling};
use patchcore_cpu::map::Banded;

use crate::engine::MapSpec;

/// The two matrices of `map = vertical x patch_scores x horizontal`.
///
/// # Shapes
/// - vertical: `[height, grid rows]`; horizontal: `[grid columns, width]`
pub(crate) fn axis_matrices(map: &MapSpec) -> [Banded; 2] {
    [axis_matrix(map.grid.rows, map.height, map), axis_matrix(map.grid.columns, map.width, map).transposed()]
}

/// Gaussian times upsampling along one axis: `[pixels, cells]`.
fn axis_matrix(cells: usize, pixels: usize, map: &MapSpec) -> Banded {
    // The cells that a pixel grows from, and their weights.
    let grown = |pixel: usize| match map.upsampling {
        Upsampling::Nearest => [(pixel * cells / pixels, 1.0), (pixel * cells / pixels, 0.0)],
        Upsampling::Bilinear => {
            let source = ((pixel as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
            let low = (source as usize).min(cells - 1);
            let high = (low + 1).min(cells - 1);
            [(low, 1.0 - (source - low as f64)), (high, source - low as f64)]
        }
    };
    let kernel = kernel(map.smoothing);
    let radius = (kernel.len() / 2) as isize;
    let mut matrix = Banded::new(cells);
    let mut sums: Vec<f64> = Vec::new();
    for pixel in 0..pixels {
        let sources = || (-radius..).map(|offset| reflect(pixel as isize + offset, pixels, map.border)).zip(&kernel);
        let all = || sources().flat_map(|(source, _)| grown(source)).map(|(cell, _)| cell);
        let (first, last) = all().fold((cells, 0), |(first, last), cell| (first.min(cell), last.max(cell)));
        sums.clear();
        sums.resize((last + 1).saturating_sub(first), 0.0);
        for (source, weight) in sources() {
            let [(low, of_low), (high, of_high)] = grown(source);
            if low == high {
                // The last cell, which is both.
                sums[low - first] += weight * (of_low + of_high);
            } else {
                sums[low - first] += weight * of_low;
                sums[high - first] += weight * of_high;
            }
        }
        matrix.push(first, sums.iter().map(|weight| *weight as f32));
    }
    matrix
}

/// The weights of the smoothing along an axis: a normalised Gaussian cut at four standard deviations, as scipy cuts it (33 weights
/// for the published sigma 4), or one weight.
pub(super) fn kernel(smoothing: Smoothing) -> Vec<f64> {
    let Smoothing::Gaussian { sigma } = smoothing else { return vec![1.0] };
    let radius = (4.0 * sigma + 0.5) as i32;
    let weights: Vec<f64> = (-radius..=radius).map(|x| (-0.5 * f64::from(x * x) / (sigma * sigma)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// The pixel that stands for a position beyond the edge, however far.
pub(super) fn reflect(position: isize, pixels: usize, border: Border) -> usize {
    let n = pixels as isize;
    match border {
        Border::ReflectEdgeRepeated => {
            let folded = position.rem_euclid(2 * n);
            (if folded < n { folded } else { 2 * n - 1 - folded }) as usize
        }
        Border::ReflectEdgeOnce if n == 1 => 0,
        Border::ReflectEdgeOnce => {
            let folded = position.rem_euclid(2 * (n - 1));
            (if folded < n { folded } else { 2 * (n - 1) - folded }) as usize
        }
    }
}
