//! Patch scores to one score per pixel.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::Grid;
use rayon::prelude::*;

/// `map = vertical x patch_scores x horizontal`, written over `map`, whose memory is used again.
///
/// # Shapes
/// - `patch_scores`: `[grid rows, grid columns]`
/// - `vertical`: `[height, grid rows]`; `horizontal`: `[grid columns, width]`
/// - `map`: `[height, width]`, neither 0
///
/// # Panics
/// Where an array has another length.
pub fn grow_map(
    patch_scores: &[f32],
    grid: Grid,
    vertical: &[f32],
    horizontal: &[f32],
    (height, width): (usize, usize),
    map: &mut Vec<f32>,
) {
    let Grid { rows, columns } = grid;
    assert!(height > 0 && width > 0, "a map of {height} x {width} has no pixel");
    assert_eq!(patch_scores.len(), rows * columns, "patch scores: not one for each of {rows} x {columns} cells");
    assert_eq!(vertical.len(), height * rows, "the vertical matrix: not [{height}, {rows}]");
    assert_eq!(horizontal.len(), columns * width, "the horizontal matrix: not [{columns}, {width}]");
    map.clear();
    map.resize(height * width, 0.0);
    // A line of the map is a mix of the grid's lines, then of the columns' curves. Lines are independent.
    map.par_chunks_exact_mut(width).enumerate().for_each(|(y, line)| {
        for column in 0..columns {
            let mixed: f32 = (0..rows).map(|row| vertical[y * rows + row] * patch_scores[row * columns + column]).sum();
            let curve = &horizontal[column * width..(column + 1) * width];
            for (score, weight) in line.iter_mut().zip(curve) {
                *score += mixed * weight;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { rows: 1, columns: 2 };

    #[test]
    fn a_map_mixes_the_cells() {
        let mut map = vec![9.0; 1];
        grow_map(&[1.0, 3.0], GRID, &[1.0, 2.0], &[1.0, 0.5, 0.0, 0.0, 0.5, 1.0], (2, 3), &mut map);
        assert_eq!(map, [1.0, 2.0, 3.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    #[should_panic(expected = "not one for each of 1 x 2 cells")]
    fn a_missing_cell_is_refused() {
        grow_map(&[1.0], GRID, &[1.0], &[1.0, 1.0], (1, 1), &mut Vec::new());
    }

    #[test]
    #[should_panic(expected = "the horizontal matrix: not [2, 2]")]
    fn a_matrix_of_another_map_is_refused() {
        grow_map(&[1.0, 1.0], GRID, &[1.0], &[1.0, 1.0], (1, 2), &mut Vec::new());
    }
}
