//! The growing bank against what is obvious: all rows at once, and every distance measured in f64.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests")]

use patchcore_config::{BankDtype, BankSize, ProjectionRule, StartRule};
use proptest::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::{BankBuilder, BankRules, BuiltBank};
use crate::ComputeDevice;
use crate::coreset::oracle::plain_greedy;
use crate::coreset::{RandomProjection, greedy_k_center, initial_distances};
use crate::error::FitError;
use crate::level_variances::total_variances;
use crate::memory_bank::PatchOrigin;
use crate::test_threads::with_threads;

const DIM: usize = 20;

fn rules(size: BankSize, capacity: Option<usize>) -> BankRules {
    BankRules {
        dim: DIM,
        projection: ProjectionRule::Dense(8),
        start: StartRule::FarthestFromMean,
        seed: 3,
        size,
        dtype: BankDtype::F32,
        levels: Vec::new(),
        announced: None,
        capacity,
    }
}

fn origins(rows: usize) -> Vec<PatchOrigin> {
    (0..rows).map(|row| PatchOrigin { image: row as u32 / 10, row: (row % 10) as u16, column: 7 }).collect()
}

/// The bank of rows that are handed in so many at a time.
fn built(rules: BankRules, rows: &[f32], at_once: usize) -> Result<BuiltBank, FitError> {
    let dim = rules.dim;
    let mut builder = BankBuilder::new(rules, &ComputeDevice::cpu());
    let origins = origins(rows.len() / dim);
    for (rows, origins) in rows.chunks(at_once * dim).zip(origins.chunks(at_once)) {
        builder.add(rows, origins)?;
    }
    builder.finish(&mut |_, _| true)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

/// The largest distance of any row to the bank, in f64.
fn radius(bank: &[f32], rows: &[f32], dim: usize) -> f64 {
    let nearest = |row: &[f32]| bank.chunks(dim).map(|kept| distance(row, kept)).fold(f64::INFINITY, f64::min);
    rows.chunks(dim).map(nearest).fold(0.0, f64::max)
}

/// Numbers in `[-1, 1)`.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..count).map(|_| (random.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// Rows in clusters, every fifth of them its centre itself.
fn clustered(rows: usize, seed: u64) -> Vec<f32> {
    let (centres, noise, which) = (values(12 * DIM, seed), values(rows * DIM, seed + 1), values(rows, seed + 2));
    let centre = |row: usize| ((which[row].abs() * 1000.0) as usize) % 12;
    let spread = |row: usize| if row.is_multiple_of(5) { 0.0 } else { 0.3 };
    let value = |row: usize, at: usize| centres[centre(row) * DIM + at] + spread(row) * noise[row * DIM + at];
    (0..rows).flat_map(|row| (0..DIM).map(move |at| (row, at))).map(|(row, at)| value(row, at)).collect()
}

#[test]
fn with_room_for_all_rows_the_picks_are_those_of_the_plain_greedy() {
    let (rows, device) = (values(300 * DIM, 5), ComputeDevice::cpu());
    let starts = [StartRule::FarthestFromMean, StartRule::RandomRow, StartRule::MeanOfRandomRows(10)];
    for start in starts {
        for projection in [ProjectionRule::None, ProjectionRule::Dense(8), ProjectionRule::Sparse { eps: 0.9 }] {
            let features = match RandomProjection::new(projection, DIM, 300, 3) {
                Some(projection) => crate::engine::engine_of(&device).project(&projection, &rows).unwrap(),
                None => rows.clone(),
            };
            let width = features.len() / 300;
            let initial = initial_distances(start, &features, width, 3);
            let picks = greedy_k_center(&features, width, &initial, 30, &device, &mut |_| true).unwrap();
            if projection == ProjectionRule::None {
                assert_eq!(picks, plain_greedy(&rows, DIM, &initial, 30));
            }
            let expected: Vec<f32> = picks.iter().flat_map(|pick| &rows[pick * DIM..][..DIM]).copied().collect();
            for capacity in [None, Some(300), Some(301), Some(5000)] {
                let rules = BankRules { projection, start, ..rules(BankSize::Ratio(0.1), capacity) };
                let built = built(rules, &rows, 7).unwrap();
                assert_eq!(built.bank.rows(), expected);
                let from: Vec<PatchOrigin> = picks.iter().map(|pick| origins(300)[*pick]).collect();
                assert_eq!(built.bank.origins(), Some(from.as_slice()));
                assert!(built.coverage.is_exact && built.coverage.patches == 300);
                let measured = radius(built.bank.rows(), &rows, DIM);
                let found = f64::from(built.coverage.radius);
                assert!(found >= measured && found < measured * (1.0 + 1e-6), "{found} {measured}");
            }
        }
    }
}

/// Whatever is dropped, and through however many reductions, lies within the bound.
fn assert_bounded(built: &BuiltBank, rows: &[f32]) {
    let measured = radius(built.bank.rows(), rows, DIM);
    assert!(f64::from(built.coverage.radius) >= measured, "{} < {measured}", built.coverage.radius);
    assert_eq!(built.coverage.patches as usize, rows.len() / DIM);
    // Every row is that of its origin.
    for (row, origin) in built.bank.rows().chunks(DIM).zip(built.bank.origins().unwrap()) {
        let patch = origin.image as usize * 10 + usize::from(origin.row);
        assert_eq!(row, &rows[patch * DIM..][..DIM]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_bound_holds_for_every_patch(count in 30usize..1500, bank in 2usize..12, room in 4usize..40, seed in 0u64..1000) {
        let rows = clustered(count, seed);
        let capacity = bank * room;
        for size in [BankSize::Rows(bank), BankSize::Ratio(bank as f64 / count as f64)] {
            for announced in [None, Some(count as u64)] {
                let rules = BankRules { announced, ..rules(size, Some(capacity)) };
                match built(rules, &rows, 13) {
                    Ok(built) => {
                        assert_bounded(&built, &rows);
                        prop_assert!(built.bank.len() <= bank.max(1));
                        prop_assert!(built.coverage.is_exact == (count <= capacity));
                    }
                    Err(FitError::EmptyCoreset { .. }) => (),
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
        }
    }

    #[test]
    fn a_coverage_is_kept_in_however_little_room(count in 30usize..1200, room in 0usize..3, within in 0.3f64..3.0, seed in 0u64..1000) {
        let rows = clustered(count, seed);
        for dtype in [BankDtype::F32, BankDtype::F16] {
            let capacity = [None, Some(count / 2 + 2), Some(64)][room];
            let rules = BankRules { dtype, ..rules(BankSize::Coverage(within), capacity) };
            match built(rules, &rows, 31) {
                Ok(built) => {
                    prop_assert!(f64::from(built.coverage.radius) <= within);
                    let measured = radius(built.bank.rows(), &rows, DIM);
                    prop_assert!(f64::from(built.coverage.radius) >= measured);
                }
                Err(FitError::CoverageOverBudget { rows, .. }) => {
                    prop_assert!(capacity.is_some_and(|capacity| rows == capacity / 2));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}

/// The shortest beginning of the greedy order, found by trying every one.
#[test]
fn a_coverage_without_a_budget_takes_the_shortest_beginning_of_the_greedy_order() {
    let rows = values(700 * DIM, 9);
    for within in [0.5, 2.0, 2.4, 2.8, 3.5, 9.0] {
        let built = built(rules(BankSize::Coverage(within), None), &rows, 64).unwrap();
        let order = self::built(rules(BankSize::Rows(699), None), &rows, 64).unwrap();
        let length = built.bank.len();
        assert!(built.coverage.is_exact);
        if length < 700 {
            assert_eq!(built.bank.rows(), &order.bank.rows()[..length * DIM], "{within}");
        }
        assert!(radius(built.bank.rows(), &rows, DIM) <= within);
        if length > 1 {
            assert!(radius(&built.bank.rows()[..(length - 1) * DIM], &rows, DIM) > within, "{within} {length}");
        }
    }
}

#[test]
fn the_bank_depends_neither_on_how_rows_come_nor_on_threads() {
    let rows = clustered(1500, 4);
    let levels = vec![0..8, 8..DIM];
    for (size, capacity) in [
        (BankSize::Rows(20), Some(200)),
        (BankSize::Ratio(0.02), Some(333)),
        (BankSize::Coverage(1.6), Some(600)),
        (BankSize::Coverage(1.6), None),
        (BankSize::Ratio(0.1), None),
    ] {
        let rules = BankRules { levels: levels.clone(), ..rules(size, capacity) };
        let expected = built(rules.clone(), &rows, 1500).unwrap();
        for threads in 1..=3 {
            for at_once in [1, 7, 64, 1000] {
                let found = with_threads(threads, || built(rules.clone(), &rows, at_once)).unwrap();
                assert_eq!(found, expected, "{size:?}, {threads} threads, {at_once} at once");
            }
        }
    }
}

#[test]
fn levels_are_scaled_by_the_patches_that_were_held_first() {
    let rows = clustered(900, 8);
    let levels = vec![0..8, 8..DIM];
    for (capacity, first) in [(None, 900), (Some(250), 250)] {
        let rules = BankRules { levels: levels.clone(), ..rules(BankSize::Rows(10), capacity) };
        let built = built(rules, &rows, 17).unwrap();
        let variances = total_variances(&rows[..first * DIM], DIM, &levels);
        let expected = patchcore_config::LevelScaling::EQUAL_VARIANCE.after_the_fit(&variances);
        assert_eq!(built.level_factors, expected.factors());
        let scaled: Vec<f32> = rows
            .chunks(DIM)
            .flat_map(|row| row.iter().enumerate().map(|(at, value)| value * built.level_factors[usize::from(at >= 8)]))
            .collect();
        assert_bounded(&built, &scaled);
    }
}

#[test]
fn equal_rows_are_kept_once() {
    let rows: Vec<f32> = (0..1000).flat_map(|row| [[0.5; DIM], [-2.0; DIM], [3.0; DIM]][row % 3]).collect();
    let built = built(rules(BankSize::Rows(20), Some(100)), &rows, 64).unwrap();
    assert_eq!((built.bank.len(), built.coverage.radius), (3, 0.0));
}

#[test]
fn too_little_room_is_said() {
    let rows = values(200 * DIM, 1);
    let refused = built(rules(BankSize::Rows(20), Some(79)), &rows, 64).unwrap_err();
    assert_eq!(refused, FitError::CapacityTooSmall { capacity: 79, rows: 20 });
    assert!(refused.to_string().contains("needs room for 80 patches"), "{refused}");
    assert!(built(rules(BankSize::Rows(20), Some(80)), &rows, 64).is_ok());
    let refused = built(rules(BankSize::Coverage(0.1), Some(50)), &rows, 64).unwrap_err();
    assert_eq!(refused, FitError::CoverageOverBudget { radius: 0.1, rows: 25 });
    let refused = built(rules(BankSize::Coverage(0.1), Some(0)), &rows, 64).unwrap_err();
    assert_eq!(refused, FitError::CoverageOverBudget { radius: 0.1, rows: 0 });
    let mut builder = BankBuilder::new(rules(BankSize::Rows(2), None), &ComputeDevice::cpu());
    assert!(matches!(builder.add(&rows[..DIM], &[]), Err(FitError::Bank(_))));
    assert!(matches!(builder.add(&[f32::NAN; DIM], &origins(1)), Err(FitError::Bank(_))));
    assert_eq!(builder.patches(), 0);
    assert_eq!(builder.finish(&mut |_, _| true), Err(FitError::NoImages));
}
