//! The row that a device reports is the CPU engine's, whatever its products keep of their factors.

use patchcore_config::BankDtype;
use patchcore_cpu::search::squared_distance;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::cube::{Bound, KernelBank};
use super::device_bank::DeviceBank;
use super::neighbor::Neighbor;
use crate::cube::cube_devices;
use crate::device::ComputeDevice;
use crate::memory_bank::MemoryBank;

/// The devices that have kernels, each as it is and with the factors of f16 and TF32, and of bf16.
fn devices() -> Vec<ComputeDevice> {
    let with_kernels = cube_devices().into_iter();
    with_kernels.flat_map(|device| [23, 10, 7].map(|bits| device.clone().with_simulated_bits(bits))).collect()
}

/// By the CPU engine's formula, nearest first, equal distances by row.
fn in_order(query: &[f32], bank: &MemoryBank) -> Vec<(f64, u32)> {
    let rows = bank.rows().chunks_exact(bank.dim()).zip(0u32..);
    let mut all: Vec<(f64, u32)> = rows.map(|(values, row)| (squared_distance(query, values), row)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all
}

fn check(bank: &MemoryBank, queries: &[f32], device: &ComputeDevice) {
    let (dim, what) = (bank.dim(), format!("{} with {} bits", device.name(), device.simulated_bits()));
    let on_device = DeviceBank::new(bank, device).unwrap();
    let uploaded = device.tensor(queries.to_vec(), [queries.len() / dim, dim]).unwrap();
    for on_host in [None, Some(queries)] {
        let found = on_device.nearest(uploaded.clone(), on_host).unwrap();
        assert_eq!(found.len(), queries.len() / dim, "{what}");
        for (at, (found, query)) in found.iter().zip(queries.chunks_exact(dim)).enumerate() {
            let (squared, row) = in_order(query, bank)[0];
            assert_eq!(found.row, row, "{what}, query {at} of {dim} values: {found:?}, nearest at {squared}");
            let off = (f64::from(found.squared_distance) - squared).abs();
            assert!(off <= 2e-5 * squared + 1e-30, "{what}: {found:?} {squared}");
        }
    }
    let query = &queries[..dim];
    for k in [1, 5, bank.len()] {
        let expected = in_order(query, bank).into_iter().take(k);
        let expected: Vec<Neighbor> =
            expected.map(|(squared, row)| Neighbor { row, squared_distance: squared as f32 }).collect();
        assert_eq!(on_device.k_nearest(query, k).unwrap(), expected, "{what}, k = {k}");
    }
}

/// Rows and queries with near ties: copies, rows that differ in the last bit of one value, queries that are rows, lie in the middle of
/// two, or differ from a row in one last bit.
fn planted(m: usize, dim: usize, offset: f32, scale: f32, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut state = seed | 1;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut value = |_| ((next(2_001) as f32 / 1_000.0 - 1.0) + offset) * scale;
    let mut rows: Vec<f32> = (0..m * dim).map(&mut value).collect();
    let mut queries: Vec<f32> = (0..3 * dim).map(&mut value).collect();
    for turn in 0..m / 3 {
        let (from, to, axis) = (next(m), next(m), next(dim));
        rows.copy_within(from * dim..(from + 1) * dim, to * dim);
        if turn % 3 > 0 {
            let nudged = &mut rows[to * dim + axis];
            *nudged = if turn % 3 == 1 { nudged.next_up() } else { nudged.next_down() };
        }
    }
    for turn in 0..9 {
        let (one, other, axis) = (next(m) * dim, next(m) * dim, next(dim));
        let pairs = rows[one..one + dim].iter().zip(&rows[other..other + dim]);
        let mut query: Vec<f32> = match turn % 3 {
            0 => pairs.map(|(a, b)| 0.5 * a + 0.5 * b).collect(),
            _ => rows[one..one + dim].to_vec(),
        };
        if turn % 3 == 1 {
            query[axis] = query[axis].next_up();
        }
        queries.extend(query);
    }
    (rows, queries)
}

#[test]
fn the_row_is_the_cpu_engines_among_near_ties() {
    let offset = prop::sample::select(vec![0.0f32, 0.0, 1.0, 1_000.0]);
    let scale = prop::sample::select(vec![1.0f32, 1.0, 1e-3, 1e6, 1e-21, 1e-30, 1e17]);
    let dtype = prop::sample::select(vec![BankDtype::F32, BankDtype::F32, BankDtype::F16]);
    let cases = (1usize..300, prop_oneof![1usize..9, 9usize..80], offset, scale, dtype, any::<u64>());
    for device in devices() {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
        let result = runner.run(&cases, |(m, dim, offset, scale, dtype, seed)| {
            let scale = if dtype == BankDtype::F16 { scale.clamp(1e-3, 1.0) } else { scale };
            let (rows, queries) = planted(m, dim, offset, scale, seed);
            let bank = MemoryBank::from_rows(dim, rows)?.with_dtype(dtype)?;
            check(&bank, &queries, &device);
            Ok(())
        });
        result.unwrap();
    }
}

#[test]
fn long_rows_and_many_queries_too() {
    for device in devices() {
        let (rows, queries) = planted(260, 700, 0.3, 1.0, 77);
        let queries: Vec<f32> = queries.iter().chain(&rows[..150 * 700]).copied().collect();
        check(&MemoryBank::from_rows(700, rows).unwrap(), &queries, &device);
    }
}

#[test]
fn values_at_the_end_of_the_range_are_decided_on_the_host() {
    for device in devices() {
        for scale in [1e18f32, 1e25, 1e38] {
            let (rows, queries) = planted(90, 6, 0.0, scale, 5);
            check_rows(&MemoryBank::from_rows(6, rows).unwrap(), &queries, &device);
        }
        // Short rows and queries far away.
        let (rows, _) = planted(90, 6, 0.0, 1.0, 6);
        let (_, queries) = planted(90, 6, 0.0, 1e19, 7);
        check_rows(&MemoryBank::from_rows(6, rows).unwrap(), &queries, &device);
    }
}

/// [`check`] of the rows alone: their distances may lie beyond the range of f32.
fn check_rows(bank: &MemoryBank, queries: &[f32], device: &ComputeDevice) {
    let dim = bank.dim();
    let uploaded = device.tensor(queries.to_vec(), [queries.len() / dim, dim]).unwrap();
    let found = DeviceBank::new(bank, device).unwrap().nearest(uploaded, None).unwrap();
    for (found, query) in found.iter().zip(queries.chunks_exact(dim)) {
        assert_eq!(found.row, in_order(query, bank)[0].1, "{}", device.name());
    }
}

#[test]
fn rows_that_all_differ_by_one_bit_are_told_apart() {
    for device in devices() {
        let dim = 40;
        let mut rows: Vec<f32> = (0..500 * dim).map(|at| 1.0 + (at % dim) as f32 * 0.01).collect();
        for (row, values) in rows.chunks_exact_mut(dim).enumerate() {
            let value = &mut values[row % dim];
            *value = f32::from_bits(value.to_bits() + row as u32 / dim as u32);
        }
        let queries: Vec<f32> = rows[..200 * dim].iter().map(|value| value + 0.25).collect();
        check(&MemoryBank::from_rows(dim, rows).unwrap(), &queries, &device);
    }
}

/// Without the bound, products of 10 bits lose nearest rows; with it, they lose none, before the host decides anything.
#[test]
fn without_the_bound_rows_are_lost() {
    for device in devices().into_iter().filter(|device| device.simulated_bits() == 10) {
        let (m, dim) = (700, 3);
        let (rows, _) = planted(m, dim, 0.0, 1.0, 9);
        let bank = MemoryBank::from_rows(dim, rows.clone()).unwrap();
        let queries: Vec<f32> = planted(m, dim, 0.0, 1.0, 10).0;
        let lost = |bound: fn(usize, u32, f64) -> Bound| {
            let on_device = KernelBank::with_bound(&bank, &device, bound).unwrap();
            let uploaded = device.tensor(queries.clone(), [m, dim]).unwrap();
            let (found, others, _) = on_device.nearest(uploaded);
            let (found, others) = (found.try_into_vec_as::<i32>().unwrap(), others.try_into_vec_as::<i32>().unwrap());
            let is_lost = |at: &usize| {
                let nearest = in_order(&queries[at * dim..(at + 1) * dim], &bank)[0].1 as i32;
                found[*at] != nearest && others[*at] != nearest && others[*at] != super::exact::SEVERAL
            };
            (0..m).filter(is_lost).count()
        };
        assert!(lost(|_, _, _| Bound::none()) > 0, "{}: products of 10 bits choose as f32 does", device.name());
        assert_eq!(lost(Bound::new), 0, "{}", device.name());
    }
}

/// A feature that is no number has no nearest row: its distance is none either, and nothing panics.
#[test]
fn queries_that_are_no_numbers_have_no_distance() {
    for device in cube_devices() {
        let rows: Vec<f32> = (0..40 * 8).map(|at| (at * 37 % 101) as f32 / 50.0).collect();
        let bank = MemoryBank::from_rows(8, rows.clone()).unwrap();
        let on_device = DeviceBank::new(&bank, &device).unwrap();
        for wrong in [f32::NAN, f32::INFINITY] {
            let mut queries = rows[..3 * 8].to_vec();
            queries[8 + 5] = wrong;
            let found = on_device.nearest(device.tensor(queries, [3, 8]).unwrap(), None).unwrap();
            assert!(!found[1].squared_distance.is_finite(), "{}: {:?}", device.name(), found[1]);
            assert_eq!((found[0].row, found[2].row), (0, 2));
        }
    }
}
