//! The flat scan with the same distance formula, and the inputs that try to separate the two.

use proptest::prelude::*;

use super::bank::Pieces;
use super::{CpuBank, Workspace};
use crate::Instructions;
use crate::lattice::Shape;
use crate::simd::Level;
use crate::testing::{cases, with_threads};

/// Every row in order of distance, equal distances by row; distances from the one formula.
fn flat_scan(rows: &[f32], dim: usize, query: &[f32]) -> Vec<(u32, f32)> {
    let distance = |row: &[f32]| Level::Portable.squared_distance(query, row, f64::INFINITY);
    let mut found: Vec<(f64, u32)> = rows.chunks_exact(dim).map(distance).zip(0..).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    found.into_iter().map(|(squared, row)| (row, squared as f32)).collect()
}

fn check(rows: &[f32], dim: usize, queries: &[f32]) {
    let of = |shape: Shape, segment: usize| Pieces { shape: Some(shape), segment: Some(segment) };
    let (few, more) = (of(Shape::wide(2), 1), of(Shape::wide(16), 2));
    let bytes = of(Shape::new(4, 12, 300.0), 3);
    check_in_pieces(rows, dim, queries, &[Pieces::default(), few, more, bytes]);
}

fn check_in_pieces(rows: &[f32], dim: usize, queries: &[f32], pieces: &[Pieces]) {
    let n = queries.len() / dim;
    let expected: Vec<Vec<(u32, f32)>> = queries.chunks_exact(dim).map(|query| flat_scan(rows, dim, query)).collect();
    for instructions in Level::available() {
        for pieces in pieces {
            let bank = CpuBank::with(rows, dim, instructions, *pieces);
            let (mut index, mut squared) = (vec![u32::MAX; n], vec![f32::NAN; n]);
            bank.nearest(rows, queries, &mut index, &mut squared, &mut Workspace::default());
            for (query, expected) in expected.iter().enumerate() {
                assert_eq!((index[query], squared[query]), expected[0], "{bank:?}, query {query}");
            }
            for (query, expected) in queries.chunks_exact(dim).zip(&expected).take(3) {
                for k in [1, 2, 9] {
                    let nearest = bank.k_nearest(rows, query, k);
                    assert_eq!(nearest, expected[..k.min(expected.len())], "{bank:?}, k = {k}");
                }
            }
        }
    }
}

/// Values that repeat, tie, differ by single bits and vanish.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => (-3i32..4).prop_map(|value| value as f32),
        2 => -1.0f32..1.0,
        1 => Just(1.0f32.next_up()),
        1 => Just(0.0f32),
    ]
}

prop_compose! {
    fn data()(m in 1usize..90, n in 1usize..40, dim in prop_oneof![1usize..4, 14usize..40])
        (bank in prop::collection::vec(value(), m * dim),
         queries in prop::collection::vec(value(), n * dim),
         // The scale of the bank, and of the queries beside it.
         scale in prop_oneof![Just(1.0f32), Just(1e-38), Just(1e-44), Just(1e-20), Just(1e30)],
         beside in prop_oneof![4 => Just(1.0f32), 1 => Just(1e-4), 1 => Just(1e4)],
         offset in prop_oneof![2 => Just(0.0f32), 1 => Just(1000.0)],
         // Of the bank's rows, how many queries repeat; and how many columns are constant.
         repeated in 0usize..3, constant in 0usize..3,
         dim in Just(dim))
        -> (Vec<f32>, Vec<f32>, usize) {
        let shape = |values: Vec<f32>, scale: f32| -> Vec<f32> {
            let fixed = |at: usize| at % dim < constant && dim > 4;
            values.iter().enumerate().map(|(at, v)| (if fixed(at) { 2.0 } else { *v } + offset) * scale).collect()
        };
        let (bank, mut queries) = (shape(bank, scale), shape(queries, scale * beside));
        for (query, row) in queries.chunks_exact_mut(dim).zip(bank.chunks_exact(dim)).take(repeated) {
            query.copy_from_slice(row);
        }
        (bank, queries, dim)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]

    #[test]
    fn nearest_rows_are_those_of_the_flat_scan((rows, queries, dim) in data()) {
        check(&rows, dim, &queries);
    }
}

/// Rows with structure, as patches have it: a few slow waves per row.
fn waves(n: usize, dim: usize, phase: f32) -> Vec<f32> {
    let value = |row: usize, axis: usize| {
        let (row, axis) = (row as f32 + phase, axis as f32);
        (row * 0.37).sin() * (axis * 0.7).cos() + (row * 0.011 + axis).sin() + 0.02 * (row * axis * 0.05).sin()
    };
    (0..n * dim).map(|at| value(at / dim, at % dim)).collect()
}

#[test]
fn long_rows_in_several_segments() {
    let mut rows = waves(9000, 300, 0.0);
    // Rows that tie: each appears again far behind.
    rows.copy_within(0..300 * 40, 300 * 8900);
    check(&rows, 300, &waves(60, 300, 0.4));
    check(&rows[..3000 * 300], 300, &rows[300 * 10..300 * 30]);
}

/// Images of at least 2,048 rows of 512 values or more have twice as many axes.
#[test]
fn a_large_bank_of_long_rows() {
    let dim = 520;
    // Waves that are all different, so that no axis is dropped.
    let wave = |row: f32, axis: usize| 0.3 * (row * axis as f32 * 0.013).sin();
    let rows = |n: usize, phase: f32| -> Vec<f32> {
        let values = waves(n, dim, phase).into_iter().enumerate();
        values.map(|(at, value)| value + wave((at / dim) as f32 + phase, at % dim)).collect()
    };
    let mut bank = rows(2100, 0.0);
    // Rows that tie: each appears again far behind.
    bank.copy_within(0..dim * 40, dim * 2060);
    let queries = [&bank[dim * 5..dim * 20], &rows(15, 0.4)[..]].concat();
    let index = CpuBank::new(&bank, dim, Instructions::native());
    assert!(format!("{index:?}").contains("fine_dims: 256"), "not the path that is meant: {index:?}");
    check_in_pieces(&bank, dim, &queries, &[Pieces::default()]);
}

#[test]
fn one_row_and_rows_all_alike() {
    check(&[0.5; 20], 20, &waves(5, 20, 0.0));
    check(&[3.0; 20 * 70], 20, &waves(30, 20, 0.0));
    check(&[0.0; 7], 1, &[0.0, 1.0, -f32::MAX, f32::MIN_POSITIVE, 1e-45]);
}

/// Rows and queries on a grid, far from the origin: nearly every query has several nearest rows, exactly as far away, and a bound
/// that is too large by the least bit loses the lowest of them.
#[test]
fn points_of_a_grid_tie() {
    let point = |at: usize| [(at * 7 % 11) as f32 + 1000.0, (at * 5 % 13) as f32 + 1000.0, (at % 3) as f32 + 1000.0];
    for scale in [1.0, 1e-20] {
        let points = |count: usize| -> Vec<f32> { (0..count).flat_map(point).map(|value| value * scale).collect() };
        let between: Vec<f32> = points(40).iter().map(|value| value + 0.5 * scale).collect();
        check(&points(150), 3, &points(60)[30..]);
        check(&points(150), 3, &between);
    }
}

/// Rows in a flat of few dimensions: what the axes leave is rounding alone.
#[test]
fn rows_of_low_rank() {
    let rank: Vec<f32> = (0..200 * 64)
        .map(|at| {
            let (row, axis) = ((at / 64) as f32, (at % 64) as f32);
            (row * 0.3).sin() * (axis * 0.2).cos() + (row * 0.7).cos() * (axis * 0.9).sin()
        })
        .collect();
    check(&rank, 64, &rank[64 * 20..64 * 60]);
    check(&rank, 64, &waves(30, 64, 0.0));
}

#[test]
fn the_index_of_some_rows_finds_what_a_new_one_does() {
    let dim = 70;
    let rows = waves(2300, dim, 0.0);
    // Every third row, and the first few alone: with the axes of all.
    let third: Vec<f32> = rows.chunks_exact(dim).step_by(3).flatten().copied().collect();
    let queries = waves(40, dim, 0.4);
    for some in [&third[..], &rows[..5 * dim], &rows] {
        for instructions in Level::available() {
            let bank = CpuBank::with(&rows, dim, instructions, Pieces::default()).of_some(some);
            let (mut index, mut squared) = (vec![0; 40], vec![0.0; 40]);
            bank.nearest(some, &queries, &mut index, &mut squared, &mut Workspace::default());
            for (at, query) in queries.chunks_exact(dim).enumerate() {
                let expected = flat_scan(some, dim, query);
                assert_eq!((index[at], squared[at]), expected[0], "{instructions:?}, query {at}");
                assert_eq!(bank.k_nearest(some, query, 3), expected[..3], "{instructions:?}, query {at}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "not some of the rows")]
fn more_rows_than_there_are_are_not_some() {
    let bank = CpuBank::new(&[0.0; 16], 8, Instructions::native());
    let _ = bank.of_some(&[0.0; 24]);
}

#[test]
fn queries_that_are_no_numbers_disturb_no_others() {
    let (dim, rows) = (40, waves(200, 40, 0.0));
    let mut queries = waves(60, dim, 0.3);
    for (query, values) in queries.chunks_exact_mut(dim).enumerate() {
        match query % 4 {
            0 => values[query % dim] = f32::NAN,
            1 if query % 8 == 1 => values.fill(f32::INFINITY),
            2 => values[query % dim] = f32::NEG_INFINITY,
            _ => {}
        }
    }
    let is_number = |query: &[f32]| query.iter().all(|value| value.is_finite());
    for instructions in Level::available() {
        let bank = CpuBank::with(&rows, dim, instructions, Pieces::default());
        let (mut index, mut squared) = (vec![0; 60], vec![0.0; 60]);
        bank.nearest(&rows, &queries, &mut index, &mut squared, &mut Workspace::default());
        for (at, query) in queries.chunks_exact(dim).enumerate() {
            let first = bank.k_nearest(&rows, query, 2)[0];
            if is_number(query) {
                let expected = flat_scan(&rows, dim, query)[0];
                assert_eq!(((index[at], squared[at]), first), (expected, expected), "{instructions:?}, query {at}");
            } else {
                assert!(!squared[at].is_finite() && !first.1.is_finite(), "{instructions:?}, query {at}");
            }
        }
    }
}

#[test]
fn huge_and_tiny_values() {
    let huge: Vec<f32> = (0..32 * 50).map(|at| if at % 3 == 0 { 3e38 } else { -3e38 * (at as f32).sin() }).collect();
    let (expected, bank) = (flat_scan(&huge, 32, &huge[..32]), CpuBank::new(&huge, 32, Instructions::native()));
    assert_eq!(bank.k_nearest(&huge, &huge[..32], 50), expected);
    let tiny: Vec<f32> = huge.iter().map(|value| value * 1e-38 * 1e-44).collect();
    check(&tiny, 32, &tiny[32 * 4..32 * 9]);
    check(&tiny, 32, &huge[..32 * 4].iter().map(|value| value * 1e-10).collect::<Vec<f32>>());
}

#[test]
fn one_thread_and_three_find_the_same_and_a_workspace_may_be_reused() {
    let (rows, queries) = (waves(3000, 48, 0.0), waves(200, 48, 0.3));
    let bank = CpuBank::new(&rows, 48, Instructions::native());
    let mut workspace = Workspace::default();
    let mut with = |threads: usize, n: usize| {
        let (mut index, mut squared) = (vec![0; n], vec![0.0; n]);
        with_threads(threads, || bank.nearest(&rows, &queries[..n * 48], &mut index, &mut squared, &mut workspace));
        (index, squared)
    };
    let whole = with(1, 200);
    assert_eq!(whole, with(3, 200));
    let part = with(2, 77);
    assert_eq!((&whole.0[..77], &whole.1[..77]), (&part.0[..], &part.1[..]));
}

#[test]
#[should_panic(expected = "a bank without a row")]
fn an_empty_bank_is_refused() {
    let _ = CpuBank::new(&[], 8, Instructions::native());
}

#[test]
#[should_panic(expected = "a bank of 17 values: not whole rows of 8")]
fn a_cut_row_is_refused() {
    let _ = CpuBank::new(&[0.0; 17], 8, Instructions::native());
}

#[test]
#[should_panic(expected = "the rows are not those that were indexed")]
fn other_rows_than_those_indexed_are_refused() {
    let bank = CpuBank::new(&[0.0; 16], 8, Instructions::native());
    bank.nearest(&[0.0; 8], &[0.0; 8], &mut [0], &mut [0.0], &mut Workspace::default());
}

#[test]
#[should_panic(expected = "not 2 queries of 8 values")]
fn queries_of_another_length_are_refused() {
    let bank = CpuBank::new(&[0.0; 16], 8, Instructions::native());
    bank.nearest(&[0.0; 16], &[0.0; 15], &mut [0; 2], &mut [0.0; 2], &mut Workspace::default());
}
