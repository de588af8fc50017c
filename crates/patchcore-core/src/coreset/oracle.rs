//! The plain greedy loop in f64, the golden selections of the published codes, and the properties of any greedy
//! k-center selection.

use super::initial_distances::mean_distance_to;

/// Algorithm 1 as written: largest distance, lowest index on ties, no row twice.
pub fn plain_greedy(features: &[f32], dim: usize, initial: &[f32], count: usize) -> Vec<usize> {
    let n = initial.len();
    let mut nearest: Vec<f64> = initial.iter().map(|value| f64::from(*value)).collect();
    let mut picks: Vec<usize> = Vec::new();
    while picks.len() < count.min(n) {
        let free = (0..n).filter(|row| !picks.contains(row));
        let best = free.reduce(|best, row| if nearest[row] > nearest[best] { row } else { best }).unwrap();
        picks.push(best);
        for row in 0..n {
            let squared: f64 = (0..dim)
                .map(|axis| (f64::from(features[row * dim + axis]) - f64::from(features[best * dim + axis])).powi(2))
                .sum();
            nearest[row] = nearest[row].min(squared);
        }
    }
    picks
}

mod tests {
    use burn::tensor::{Tensor, TensorData};
    use patchcore_testing::Golden;
    use proptest::prelude::*;

    use super::*;
    use crate::coreset::{greedy_k_center, greedy_k_center_tensors, initial_distances};
    use crate::device::ComputeDevice;
    use patchcore_config::StartRule;

    fn select(features: &[f32], dim: usize, initial: &[f32], count: usize) -> Vec<usize> {
        let device = ComputeDevice::flex();
        let tensor =
            Tensor::from_data(TensorData::new(features.to_vec(), [initial.len(), dim]), device.burn().unwrap());
        let tensors = greedy_k_center_tensors(tensor, initial, count, &device, &mut |_| true).unwrap();
        let cpu = greedy_k_center(features, dim, initial, count, &device, &mut |_| true).unwrap();
        assert_eq!(tensors, cpu, "the two implementations");
        cpu
    }

    #[test]
    fn golden_exact_selection_of_the_authors() {
        let Some(file) = Golden::open("greedy") else { return };
        let features = file.f32("features");
        let initial = initial_distances(StartRule::FarthestFromMean, &features, 32, 0);
        for (found, expected) in initial.iter().zip(file.f32("exact_initial_anchor")) {
            assert!((found.sqrt() / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        }
        assert_eq!(select(&features, 32, &initial, 75), file.indices("exact_indices"));
    }

    #[test]
    fn golden_approximate_selection_of_the_authors() {
        let Some(file) = Golden::open("greedy") else { return };
        let projected = file.f32("approx_projected");
        let initial = mean_distance_to(&file.indices("approx_start_points"), &projected, 128);
        for (found, expected) in initial.iter().zip(file.f32("approx_initial_anchor")) {
            // The published f32 expansion puts a start point at 7e-4 from itself, here it is at 0.
            assert!((found.sqrt() / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        }
        assert_eq!(select(&projected, 128, &initial, 100), file.indices("approx_indices"));
    }

    #[test]
    fn golden_selection_of_anomalib() {
        let Some(file) = Golden::open("greedy") else { return };
        let expected = file.indices("anomalib_indices_first_is_start");
        let mut initial = vec![f32::MAX; 300];
        initial[expected[0]] = f32::INFINITY;
        assert_eq!(select(&file.f32("features"), 32, &initial, 75), expected);
    }

    #[test]
    fn duplicates_are_not_picked_twice() {
        let features = vec![1.0; 3000 * 4];
        let initial = initial_distances(StartRule::FarthestFromMean, &features, 4, 0);
        assert_eq!(select(&features, 4, &initial, 2500), (0..2500).collect::<Vec<_>>());
    }

    #[test]
    fn more_rows_than_there_are_is_all_rows() {
        let mut picks = select(&[0.0, 3.0, 1.0], 1, &[1.0, 1.0, 1.0], 9);
        picks.sort_unstable();
        assert_eq!(picks, [0, 1, 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        /// Coordinates on a coarse grid keep all arithmetic exact, so ties are ties in every implementation.
        #[test]
        fn blocks_equal_the_plain_loop(n in 1usize..2600, dim in 1usize..9, count in 1usize..200, seed in any::<u64>()) {
            let value = |i: u64| ((i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed).wrapping_mul(0xd134_2543_de82_ef95) >> 59) as f32;
            let mut features: Vec<f32> = (0..(n * dim) as u64).map(value).collect();
            // A zero mean keeps the shift exact, too.
            let negated: Vec<f32> = features.iter().map(|value| -value).collect();
            features.extend(negated);
            for rule in [StartRule::FarthestFromMean, StartRule::RandomRow] {
                let mut initial = initial_distances(rule, &features, dim, seed);
                if rule == StartRule::FarthestFromMean {
                    // Only the first pick matters, and its huge sums are not exact in f32.
                    let first = (0..initial.len()).reduce(|best, row| if initial[row] > initial[best] { row } else { best }).unwrap();
                    initial = (0..initial.len()).map(|row| if row == first { f32::INFINITY } else { f32::MAX }).collect();
                }
                prop_assert_eq!(select(&features, dim, &initial, count), plain_greedy(&features, dim, &initial, count));
            }
        }
    }
}
