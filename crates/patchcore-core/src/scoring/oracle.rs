//! The anomaly map step by step in f64, and the golden maps of both published codes.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use super::axis_matrix::{kernel, reflect};
use crate::engine::MapSpec;
use patchcore_config::Upsampling;

/// Upsample, then smooth along the rows, then along the columns.
pub fn literal_map(scores: &[f32], map: &MapSpec) -> Vec<f64> {
    let MapSpec { grid, height: h, width: w, upsampling, smoothing, border } = *map;
    let at = |y: usize, x: usize| f64::from(scores[y * grid.columns + x]);
    let source = |i: usize, cells: usize, pixels: usize| {
        let x = ((i as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
        let low = (x as usize).min(cells - 1);
        (low, (low + 1).min(cells - 1), x - low as f64)
    };
    let mut grown = vec![vec![0.0; w]; h];
    for (y, row) in grown.iter_mut().enumerate() {
        for (x, value) in row.iter_mut().enumerate() {
            *value = match upsampling {
                Upsampling::Nearest => at(y * grid.rows / h, x * grid.columns / w),
                Upsampling::Bilinear => {
                    let ((y0, y1, fy), (x0, x1, fx)) = (source(y, grid.rows, h), source(x, grid.columns, w));
                    (at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx) * (1.0 - fy)
                        + (at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx) * fy
                }
            };
        }
    }
    let kernel = kernel(smoothing);
    let radius = kernel.len() as isize / 2;
    let taps = |i: usize, n: usize| -> Vec<(usize, f64)> {
        let positions = (-radius..=radius).map(|offset| reflect(i as isize + offset, n, border));
        positions.zip(kernel.iter().copied()).collect()
    };
    let rows: Vec<Vec<f64>> = (0..h)
        .map(|y| (0..w).map(|x| taps(y, h).iter().map(|(source, weight)| weight * grown[*source][x]).sum()).collect())
        .collect();
    (0..h)
        .flat_map(|y| {
            let row = &rows[y];
            (0..w).map(|x| taps(x, w).iter().map(|(source, weight)| weight * row[*source]).sum()).collect::<Vec<f64>>()
        })
        .collect()
}
