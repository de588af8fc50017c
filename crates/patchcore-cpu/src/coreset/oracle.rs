//! The plain greedy loop with the same distance formula, and the inputs that try to separate the two.

use proptest::prelude::*;

use super::greedy::{greedy_k_center, select};
use crate::Instructions;
use crate::simd::Level;
use crate::testing::{cases, with_threads};

/// Largest distance, lowest index on ties, no row twice, every distance from the one formula.
fn plain_greedy(features: &[f32], dim: usize, initial: &[f32], count: usize) -> Vec<u32> {
    let row = |index: usize| &features[index * dim..(index + 1) * dim];
    let mut nearest: Vec<f64> = initial.iter().map(|value| f64::from(*value)).collect();
    let mut picks = Vec::new();
    while picks.len() < count.min(initial.len()) {
        let mut best = None;
        for (index, value) in nearest.iter().enumerate() {
            if *value >= 0.0 && best.is_none_or(|best: usize| *value > nearest[best]) {
                best = Some(index);
            }
        }
        let best = best.unwrap();
        picks.push(best as u32);
        for (index, value) in nearest.iter_mut().enumerate() {
            *value = value.min(Level::Portable.squared_distance(row(index), row(best), f64::INFINITY));
        }
        nearest[best] = -1.0;
    }
    picks
}

fn check(features: &[f32], dim: usize, initial: &[f32], count: usize) {
    let expected = plain_greedy(features, dim, initial, count);
    for instructions in Level::available() {
        for candidates in [2, 40, 2048] {
            let picks = select(features, dim, initial, count, &mut |_| true, instructions, candidates);
            assert_eq!(picks.as_ref(), Some(&expected), "{instructions:?}, {candidates} candidates");
        }
    }
}

/// Rows that repeat, tie and differ by single bits, at any scale.
fn rows() -> impl Strategy<Value = (Vec<f32>, usize)> {
    let value = prop_oneof![
        3 => (-3i32..4).prop_map(|value| value as f32),
        2 => -1.0f32..1.0,
        1 => Just(1.0f32.next_up()),
        1 => Just(0.0f32),
    ];
    let scale = prop_oneof![Just(1.0f32), Just(1e-38), Just(1e-44), Just(1e30), Just(3e34)];
    (1usize..150, prop_oneof![1usize..5, 15usize..35]).prop_flat_map(move |(n, dim)| {
        (prop::collection::vec(value.clone(), n * dim), Just(dim), scale.clone(), any::<bool>()).prop_map(
            |(mut values, dim, scale, offset)| {
                for value in &mut values {
                    *value = *value * scale + if offset { 1000.0 * scale } else { 0.0 };
                }
                (values, dim)
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(48)))]

    #[test]
    fn picks_are_those_of_the_plain_loop((features, dim) in rows(), share in 0.0f64..1.1, start in 0usize..3) {
        let n = features.len() / dim;
        let initial: Vec<f32> = match start {
            0 => vec![f32::MAX; n],
            1 => (0..n).map(|row| if row == n / 2 { f32::INFINITY } else { f32::MAX }).collect(),
            _ => features.chunks_exact(dim).map(|row| row.iter().map(|x| x.abs()).sum()).collect(),
        };
        check(&features, dim, &initial, (n as f64 * share) as usize);
    }
}

/// Clustered rows, as patches are, without a generator: a few slow waves per row.
fn waves(n: usize, dim: usize) -> Vec<f32> {
    let value = |row: usize, axis: usize| {
        let (row, axis) = (row as f32, axis as f32);
        (row * 0.37).sin() * (axis * 0.7).cos() + (row * 0.011 + axis).sin() + 0.1 * (row * axis * 0.05).sin()
    };
    (0..n * dim).map(|at| value(at / dim, at % dim)).collect()
}

#[test]
fn many_blocks_of_clustered_rows() {
    let features = waves(6000, 24);
    let initial: Vec<f32> = (0..6000).map(|row| (row % 97) as f32).collect();
    check(&features, 24, &initial, 700);
}

#[test]
fn duplicates_only() {
    check(&[2.5; 3 * 70], 3, &[1.0; 70], 70);
    check(&[0.0; 70], 1, &[0.0; 70], 35);
}

#[test]
fn one_thread_and_three_pick_the_same() {
    let features = waves(5000, 16);
    let initial = vec![f32::MAX; 5000];
    let with = |threads: usize| {
        with_threads(threads, || greedy_k_center(&features, 16, &initial, 600, Instructions::native(), &mut |_| true))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn progress_stops_and_edges_are_empty() {
    assert_eq!(greedy_k_center(&[1.0, 2.0], 1, &[1.0, 1.0], 2, Instructions::native(), &mut |_| false), None);
    assert_eq!(greedy_k_center(&[], 4, &[], 3, Instructions::native(), &mut |_| true), Some(vec![]));
    assert_eq!(greedy_k_center(&[], 0, &[1.0, 3.0, 2.0], 2, Instructions::native(), &mut |_| true), Some(vec![1, 0]));
    assert_eq!(greedy_k_center(&[5.0], 1, &[0.0], 9, Instructions::native(), &mut |_| true), Some(vec![0]));
}

#[test]
#[should_panic(expected = "a start distance is negative or NaN")]
fn start_distances_that_are_no_numbers_are_refused() {
    greedy_k_center(&[1.0, 2.0], 1, &[1.0, f32::NAN], 2, Instructions::native(), &mut |_| true);
}

#[test]
#[should_panic(expected = "not one row of 2 values for each of 2 start distances")]
fn a_missing_row_is_refused() {
    greedy_k_center(&[1.0, 2.0], 2, &[1.0, 1.0], 2, Instructions::native(), &mut |_| true);
}
