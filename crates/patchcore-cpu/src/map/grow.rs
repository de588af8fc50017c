//! Patch scores to one score per pixel.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::Grid;
use rayon::prelude::*;

/// `map = vertical x patch_scores x horizontal`, written over `map`, whose memory is used again.
///
/// # Shapes
/// - `patch_scores`: `[grid rows, grid columns]`
/// - `vertical`: `[height, grid rows]`; `horizontal`: `[grid columns, width]`
/// - `map`: `[height, width]`
pub fn grow_map(
    patch_scores: &[f32],
    grid: Grid,
    vertical: &[f32],
    horizontal: &[f32],
    (height, width): (usize, usize),
    map: &mut Vec<f32>,
) {
    let Grid { rows, columns } = grid;
    map.clear();
    map.resize(height * width, 0.0);
    // A line of the map is a mix of the grid's lines, then of the columns' curves. Lines are independent.
    map.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, line)| {
        for column in 0..columns {
            let mixed: f32 = (0..rows).map(|row| vertical[y * rows + row] * patch_scores[row * columns + column]).sum();
            let curve = &horizontal[column * width..(column + 1) * width];
            for (score, weight) in line.iter_mut().zip(curve) {
                *score += mixed * weight;
            }
        }
    });
}
