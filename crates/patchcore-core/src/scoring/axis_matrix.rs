//! Upsampling and smoothing along one axis as one matrix.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::{Border, Smoothing, Upsampling};

/// Smoothing times upsampling along one axis: `[pixels, cells]`, row-major.
pub(super) fn axis_matrix(
    cells: usize,
    pixels: usize,
    upsampling: Upsampling,
    border: Border,
    smoothing: Smoothing,
) -> Vec<f32> {
    let mut grow = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        match upsampling {
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
    let kernel = kernel(smoothing);
    let radius = (kernel.len() / 2) as isize;
    let mut matrix = vec![0.0f64; pixels * cells];
    for pixel in 0..pixels {
        for (offset, weight) in (-radius..).zip(&kernel) {
            let source = reflect(pixel as isize + offset, pixels, border);
            for cell in 0..cells {
                matrix[pixel * cells + cell] += weight * grow[source * cells + cell];
            }
        }
    }
    matrix.into_iter().map(|weight| weight as f32).collect()
}

/// Normalised Gaussian cut at four standard deviations, for sigma 4 33 weights; without smoothing the weight 1 alone.
pub(super) fn kernel(smoothing: Smoothing) -> Vec<f64> {
    let sigma = match smoothing {
        Smoothing::None => return vec![1.0],
        Smoothing::Gaussian { sigma } => sigma,
    };
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
