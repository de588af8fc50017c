//! The exact search alone: milliseconds per image of 784 queries, or per query where k nearest are asked for.

use std::hint::black_box;

use anyhow::Context;
use patchcore::ComputeDevice;
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::nearest_neighbor::NearestNeighborIndex;

use crate::npy;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// Queries per image.
const PATCHES: usize = 784;
/// Images of a measurement: good and defective ones in turn.
const IMAGES: usize = 4;
/// Every so many-th patch is asked for its k nearest.
const STEP: usize = 131;

/// A bank of so many rows of real features.
///
/// # Errors
/// Inputs that are not there.
pub fn set_up(data: &str, dim: usize, rows: usize, k: usize, work: &Work) -> anyhow::Result<Measure> {
    let mut bank = npy::read(&work.bank(data, dim))?.values;
    bank.truncate(rows * dim);
    let mut queries = npy::read(&work.queries(data, dim))?.values;
    queries.truncate(IMAGES * PATCHES * dim);
    let bank = MemoryBank::from_rows(dim, bank).context("the bank does not have whole rows")?;
    let index = NearestNeighborIndex::new(bank, &ComputeDevice::cpu())?;
    Ok(Box::new(move || {
        if k == 1 {
            let milliseconds = timed(|| {
                for image in queries.chunks_exact(PATCHES * dim) {
                    black_box(index.nearest_of_rows(image)?);
                }
                Ok(())
            })?;
            return Ok(milliseconds / IMAGES as f64);
        }
        let asked = queries.chunks_exact(dim).step_by(STEP);
        let count = asked.len();
        let milliseconds = timed(|| {
            for query in asked.clone() {
                black_box(index.k_nearest(query, k).is_ok());
            }
            Ok(())
        })?;
        Ok(milliseconds / count as f64)
    }))
}
