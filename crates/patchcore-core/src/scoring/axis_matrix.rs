//! Upsampling and smoothing along one axis as one matrix.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::{Border, Smoothing, Upsampling};

use crate::engine::MapSpec;

/// The two matrices of `map = vertical x patch_scores x horizontal`.
///
/// # Shapes
/// - vertical: `[height, grid rows]`; horizontal: `[grid columns, width]`; row-major
pub(crate) fn axis_matrices(map: &MapSpec) -> [Vec<f32>; 2] {
    let vertical = axis_matrix(map.grid.rows, map.height, map);
    let by_pixel = axis_matrix(map.grid.columns, map.width, map);
    let mut horizontal = vec![0.0; by_pixel.len()];
    for pixel in 0..map.width {
        for cell in 0..map.grid.columns {
            horizontal[cell * map.width + pixel] = by_pixel[pixel * map.grid.columns + cell];
        }
    }
    [vertical, horizontal]
}

/// Gaussian times upsampling along one axis: `[pixels, cells]`, row-major.
fn axis_matrix(cells: usize, pixels: usize, map: &MapSpec) -> Vec<f32> {
    let mut grow = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        match map.upsampling {
            Upsampling::Nearest => grow[pixel * cells + pixel * cells / pixels] = 1.0,
            Upsampling::Bilinear => {
                let source = ((pixel as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
                let low = (source as usize).min(cells - 1);
                let high = (low + 1).min(cells - 1);
                grow[pixel * cells + low] += 1.0 - (source - low as f64);
                grow[pixel * cells + high] += source - low as f64;
            }
        }
    }
    let kernel = kernel(map.smoothing);
    let radius = (kernel.len() / 2) as isize;
    let mut matrix = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        for (offset, weight) in (-radius..).zip(&kernel) {
            let source = reflect(pixel as isize + offset, pixels, map.border);
            for cell in 0..cells {
                matrix[pixel * cells + cell] += weight * grow[source * cells + cell];
            }
        }
    }
    matrix.into_iter().map(|weight| weight as f32).collect()
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
