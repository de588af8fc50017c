//! Every instruction set against the plain loops, on values that fill the allowed range.

use super::{PANEL, Panels, TILE};
use crate::simd::Level;

/// Pseudo-random numbers below `2^15`, the high bits of a linear congruential generator.
fn numbers(seed: u64, count: usize) -> Vec<i32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 49) as i32
    };
    (0..count).map(|_| next()).collect()
}

fn coordinates(seed: u64, count: usize) -> Vec<i16> {
    numbers(seed, count).into_iter().map(|value| ((value - 16_384) / 16) as i16).collect()
}

#[test]
fn panel_kernels_agree() {
    for (dims, tiles) in [(2, 1), (6, 2), (64, 1), (130, 3)] {
        let panels = Panels::pack(&coordinates(1, PANEL * dims), dims, dims);
        let queries = coordinates(2, tiles * TILE * dims);
        let norms = numbers(3, PANEL);
        let limits = numbers(4, tiles * TILE);
        let stride = PANEL + 7;
        let run = |set: Level| {
            let mut all = vec![0; tiles * TILE * stride];
            set.distances(panels.panel(0), &norms, &queries, dims, &mut all, stride);
            let mut one = vec![0; PANEL];
            set.distances_to_one(panels.panel(0), &norms, &queries[..dims], &mut one);
            assert_eq!(one, all[..PANEL]);
            let mut masks = vec![0; tiles * TILE];
            set.closer(panels.panel(0), &norms, &queries, &limits, dims, &mut masks);
            let mut few = Vec::new();
            set.not_above(&all[..stride], -1000, 5, &mut few);
            (all, masks, few, set.product(&queries[..dims], &queries[dims..2 * dims]))
        };
        let expected = run(Level::Portable);
        for set in Level::available() {
            assert_eq!(run(set), expected, "{set:?}");
        }
    }
}

#[test]
fn distances_agree_to_the_last_bit_and_stop_only_above_the_limit() {
    for length in [0, 1, 15, 16, 17, 255, 256, 257, 384, 1000, 1024] {
        let values = |seed| -> Vec<f32> { numbers(seed, length).iter().map(|v| *v as f32 / 777.0).collect() };
        let (a, b) = (values(5), values(6));
        let expected = Level::Portable.squared_distance(&a, &b, f64::INFINITY);
        let sum: f64 = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        assert!((expected - sum).abs() <= sum * 1e-13);
        for set in Level::available() {
            assert_eq!(set.squared_distance(&a, &b, f64::INFINITY).to_bits(), expected.to_bits(), "{set:?}");
            assert_eq!(set.squared_distance(&a, &b, expected).to_bits(), expected.to_bits(), "{set:?}");
            let limit = expected * 0.3;
            assert!(length == 0 || set.squared_distance(&a, &b, limit) > limit);
        }
    }
}
