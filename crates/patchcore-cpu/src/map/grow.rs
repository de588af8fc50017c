//! Patch scores to one score per pixel.

#![allow(clippy::indexing_slicing, reason = "matrix indices run over the extents they were allocated with")]

use patchcore_config::Grid;
use rayon::prelude::*;

use super::Banded;

/// `map = vertical x patch_scores x horizontal`, written over `map`, whose memory is used again.
///
/// # Shapes
/// - `patch_scores`: `[grid rows, grid columns]`
/// - `vertical`: `[height, grid rows]`; `horizontal`: `[grid columns, width]`
/// - `map`: `[height, width]`, neither 0
///
/// # Panics
/// Where an array has another length.
pub fn grow_map(patch_scores: &[f32], grid: Grid, vertical: &Banded, horizontal: &Banded, map: &mut Vec<f32>) {
    let Grid { rows, columns } = grid;
    let (height, width) = (vertical.rows(), horizontal.columns());
    assert!(height > 0 && width > 0, "a map of {height} x {width} has no pixel");
    assert_eq!(patch_scores.len(), rows * columns, "patch scores: not one for each of {rows} x {columns} cells");
    assert_eq!(vertical.columns(), rows, "the vertical matrix: not [{height}, {rows}]");
    assert_eq!(horizontal.rows(), columns, "the horizontal matrix: not [{columns}, {width}]");
    map.clear();
    map.resize(height * width, 0.0);
    // A line of the map is a mix of the grid's lines, then of the columns' curves. Lines are independent. What is 0 in a matrix adds
    // nothing, not even to the bits: scores and weights are not negative.
    map.par_chunks_exact_mut(width).enumerate().for_each(|(y, line)| {
        let (first, weights) = vertical.row(y);
        for column in 0..columns {
            let scores = patch_scores[first * columns + column..].iter().step_by(columns);
            let mixed: f32 = weights.iter().zip(scores).map(|(weight, score)| weight * score).sum();
            let (start, curve) = horizontal.row(column);
            for (score, weight) in line[start..].iter_mut().zip(curve) {
                *score += mixed * weight;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: Grid = Grid { rows: 1, columns: 2 };

    fn banded<const N: usize>(rows: &[[f32; N]]) -> Banded {
        let mut matrix = Banded::new(N);
        rows.iter().for_each(|row| matrix.push(0, *row));
        matrix
    }

    #[test]
    fn a_map_mixes_the_cells() {
        let mut map = vec![9.0; 1];
        let (vertical, horizontal) = (banded(&[[1.0], [2.0]]), banded(&[[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]));
        grow_map(&[1.0, 3.0], GRID, &vertical, &horizontal, &mut map);
        assert_eq!(map, [1.0, 2.0, 3.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    #[should_panic(expected = "not one for each of 1 x 2 cells")]
    fn a_missing_cell_is_refused() {
        grow_map(&[1.0], GRID, &banded(&[[1.0]]), &banded(&[[1.0], [1.0]]), &mut Vec::new());
    }

    #[test]
    #[should_panic(expected = "the horizontal matrix: not [2, 2]")]
    fn a_matrix_of_another_map_is_refused() {
        grow_map(&[1.0, 1.0], GRID, &banded(&[[1.0]]), &banded(&[[1.0, 1.0]]), &mut Vec::new());
    }

    proptest! {
        /// The runs alone give the bits of the whole matrices.
        #[test]
        fn zeros_that_are_not_kept_change_no_bit(
            scores in prop::collection::vec(0.0f32..9.0, 12), weights in prop::collection::vec(0.01f32..1.0, 64), cut in 0usize..3,
        ) {
            let grid = Grid { rows: 3, columns: 4 };
            let mut weights = weights.into_iter();
            let (mut vertical, mut by_pixel) = (Banded::new(3), Banded::new(4));
            for y in 0..5 {
                let first = (y / 2).min(cut);
                vertical.push(first, weights.by_ref().take(2.min(3 - first)));
            }
            for x in 0..8 {
                by_pixel.push(x / 2, weights.by_ref().take(1 + cut.min(3 - x / 2)));
            }
            let (whole, all) = (vertical.to_dense(), by_pixel.transposed().to_dense());
            let (mut found, mut expected) = (Vec::new(), vec![0.0f32; 5 * 8]);
            grow_map(&scores, grid, &vertical, &by_pixel.transposed(), &mut found);
            for (y, line) in expected.chunks_exact_mut(8).enumerate() {
                for column in 0..4 {
                    let mixed: f32 = (0..3).map(|row| whole[y * 3 + row] * scores[row * 4 + column]).sum();
                    for (x, score) in line.iter_mut().enumerate() {
                        *score += mixed * all[column * 8 + x];
                    }
                }
            }
            let bits = |map: &[f32]| map.iter().map(|score| score.to_bits()).collect::<Vec<u32>>();
            prop_assert_eq!(bits(&found), bits(&expected));
        }
    }
}
