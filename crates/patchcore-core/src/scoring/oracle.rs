//! The anomaly map step by step in f64, and the golden maps of both published codes.

use super::axis_matrix::{kernel, reflect};
use patchcore_config::{Border, Grid, Smoothing, Upsampling};

/// Upsample, then smooth along the rows, then along the columns.
pub fn literal_map(
    scores: &[f32],
    grid: Grid,
    (h, w): (usize, usize),
    up: Upsampling,
    border: Border,
    smoothing: Smoothing,
) -> Vec<f64> {
    let at = |y: usize, x: usize| f64::from(scores[y * grid.columns + x]);
    let source = |i: usize, cells: usize, pixels: usize| {
        let x = ((i as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
        let low = (x as usize).min(cells - 1);
        (low, (low + 1).min(cells - 1), x - low as f64)
    };
    let mut grown = vec![vec![0.0; w]; h];
    for (y, row) in grown.iter_mut().enumerate() {
        for (x, value) in row.iter_mut().enumerate() {
            *value = match up {
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

mod tests {
    use patchcore_testing::Golden;
    use proptest::prelude::*;

    use super::*;
    use crate::device::ComputeDevice;
    use crate::scoring::{AnomalyMap, MapGrower};

    const PUBLISHED: Smoothing = Smoothing::Gaussian { sigma: 4.0 };

    fn grow(
        scores: &[f32],
        grid: Grid,
        size: (usize, usize),
        up: Upsampling,
        border: Border,
        smoothing: Smoothing,
    ) -> Vec<f32> {
        let device = ComputeDevice::flex();
        let grower = MapGrower::new(grid, size, up, border, smoothing, &device).unwrap();
        let (mut cpu, mut tensors) = (AnomalyMap::default(), AnomalyMap::default());
        grower.grow_into(scores, &device, &mut cpu).unwrap();
        grower.uploaded(&device).unwrap().grow_into(scores, &device, &mut tensors).unwrap();
        for (cpu, tensors) in cpu.scores.iter().zip(&tensors.scores) {
            assert!((cpu - tensors).abs() <= 1e-5 * (1.0 + cpu.abs()), "the two implementations: {cpu} {tensors}");
        }
        cpu.scores
    }

    #[test]
    fn golden_maps_of_both_codes() {
        let grid = Grid { rows: 28, columns: 28 };
        for name in ["normal", "defect"] {
            let Some(file) = Golden::open(name) else { return };
            for (scores, map, up, border) in [
                ("patch_scores", "map_smoothed", Upsampling::Bilinear, Border::ReflectEdgeRepeated),
                ("anomalib_patch_scores", "anomalib_map", Upsampling::Nearest, Border::ReflectEdgeOnce),
            ] {
                let found = grow(&file.f32(scores), grid, (224, 224), up, border, PUBLISHED);
                for (found, expected) in found.iter().zip(file.f32(map)) {
                    assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{name} {map}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_constant_grid_stays_constant() {
        let grid = Grid { rows: 3, columns: 1 };
        for border in [Border::ReflectEdgeRepeated, Border::ReflectEdgeOnce] {
            let map = grow(&[2.5; 3], grid, (17, 1), Upsampling::Bilinear, border, PUBLISHED);
            assert!(map.iter().all(|value| (value - 2.5).abs() < 1e-5), "{map:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn two_matrices_equal_the_literal_steps(
            rows in 1usize..9, columns in 1usize..9, h in 1usize..70, w in 1usize..70, nearest in any::<bool>(), once in any::<bool>(),
            sigma in prop_oneof![Just(None), Just(Some(4.0)), (0.1f64..9.0).prop_map(Some)], seed in any::<u32>(),
        ) {
            let grid = Grid { rows, columns };
            let scores: Vec<f32> = (0..grid.cells()).map(|i| ((i as u32).wrapping_mul(2_654_435_761) ^ seed) as f32 / u32::MAX as f32).collect();
            let up = if nearest { Upsampling::Nearest } else { Upsampling::Bilinear };
            let border = if once { Border::ReflectEdgeOnce } else { Border::ReflectEdgeRepeated };
            let smoothing = sigma.map_or(Smoothing::None, |sigma| Smoothing::Gaussian { sigma });
            let found = grow(&scores, grid, (h, w), up, border, smoothing);
            for (found, expected) in found.iter().zip(literal_map(&scores, grid, (h, w), up, border, smoothing)) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{} {}", found, expected);
            }
        }
    }
}
