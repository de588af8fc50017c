//! The test cases of every device: steps of the method with rows in and indices out.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use super::reference::{deviation, values};
use super::test_case::{EXACT, IN_F32, TestCase};
use crate::coreset::greedy_k_center;
use crate::device::ComputeDevice;
use crate::error::DeviceError;
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::{NearestNeighborIndex, squared_distance};

pub(super) fn cases() -> Vec<TestCase> {
    vec![
        TestCase::new("nearest neighbour search", EXACT, search),
        TestCase::new("distances of the search", IN_F32, search_distances),
        TestCase::new("coreset selection", EXACT, coreset),
    ]
}

const SEARCH: [usize; 3] = [150, 700, 72];

/// Queries, bank rows, and per query the row found and its squared distance.
type Searched = (Vec<f32>, Vec<f32>, Vec<(usize, f32)>);

/// Queries close to known rows of a bank, the bank, and what the device finds.
fn run_search(device: &ComputeDevice) -> Result<Searched, DeviceError> {
    let [n, m, dim] = SEARCH;
    let rows = values(m * dim, 11);
    let noise = values(n * dim, 12);
    let near = |at: usize| rows[(at / dim * 31 % m) * dim + at % dim] + 0.05 * noise[at];
    let queries: Vec<f32> = (0..n * dim).map(near).collect();
    let bank = MemoryBank::from_rows(dim, rows.clone()).map_err(|error| device.failed("search", error))?;
    let found = NearestNeighborIndex::new(bank, device)?.nearest_of_rows(&queries)?;
    let found = found.into_iter().map(|neighbor| (neighbor.row as usize, neighbor.squared_distance));
    Ok((queries, rows, found.collect()))
}

fn search(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let [n, m, _] = SEARCH;
    let (_, _, found) = run_search(device)?;
    let wrong = found.iter().enumerate().filter(|(query, (row, _))| query * 31 % m != *row).count();
    Ok((wrong + found.len().abs_diff(n)) as f64)
}

fn search_distances(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let [_, m, dim] = SEARCH;
    let (queries, rows, found) = run_search(device)?;
    let expected = queries
        .chunks_exact(dim)
        .enumerate()
        .map(|(query, values)| f64::from(squared_distance(values, &rows[query * 31 % m * dim..][..dim])));
    let found: Vec<f32> = found.iter().map(|(_, squared)| *squared).collect();
    Ok(deviation(&found, &expected.collect::<Vec<_>>()))
}

/// Points on a line whose order of selection is known: the ends, then ever finer middles.
fn coreset(device: &ComputeDevice) -> Result<f64, DeviceError> {
    // A power of two: the mean is exact however it is summed and divided.
    let n = 2_048;
    let axis = |row: usize| [row as f32, 0.0, 0.0, 0.0];
    let features: Vec<f32> = (0..n).flat_map(axis).collect();
    let mut initial = vec![f32::MAX; n];
    initial[0] = f32::INFINITY;
    let picks = greedy_k_center(&features, 4, &initial, 5, device, &mut |_| true);
    let picks = picks.map_err(|stopped| match stopped {
        crate::coreset::SelectionStopped::Device(error) => error,
        crate::coreset::SelectionStopped::Cancelled => device.failed("coreset selection", "it was cancelled"),
    })?;
    // From 0 the farthest is the other end; then the middle (the lower of two), then the middles of the halves.
    let expected = [0, 2_047, 1_023, 1_535, 511];
    let wrong = picks.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
    Ok((wrong + picks.len().abs_diff(expected.len())) as f64)
}
