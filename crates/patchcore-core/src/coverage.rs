//! How far training patches lie from the bank that stands for them: the coverage of a memory bank, in the space of the scores.
//!
//! With the radius `r` of a bank and a patch `q`, by the triangle inequality: `D(q, bank) - r <= D(q, all patches) <= D(q, bank)`, where `D` is
//! the L2 distance to the nearest row. So the radius says how much a score against a bank of some of the patches can exceed the score
//! against all of them.

use serde::{Deserialize, Serialize};

use crate::engine::Index;
use crate::error::DeviceError;
use crate::good_quantiles::{SHARES, quantile};
use crate::nearest_neighbor::{NearestNeighborIndex, Neighbor};

/// Rows that are looked up at once.
pub(crate) const QUERIES: usize = 1024;

/// How far the patches of a fit lie from one member's bank: L2 distances (whatever the model's unit of scores) of rows as they are scored,
/// levels scaled and unprojected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// No patch lies further from its nearest bank row. The largest distance that was measured, rounded up, or a bound of it. On a GPU up
    /// to the rounding of its sums in f32.
    pub radius: f32,
    /// Distances that these shares of the patches do not exceed: [`SHARES`]. Empty where they were not
    /// measured.
    pub quantiles: Vec<f32>,
    /// Whether the radius was measured against every patch; else it is a bound by the triangle inequality.
    pub is_exact: bool,
    /// Patches that it is about.
    pub patches: u64,
}

impl Coverage {
    /// What is known of a bank by bounds alone.
    pub fn bound(radius: f32, patches: u64) -> Self {
        Self { radius, quantiles: Vec::new(), is_exact: false, patches }
    }

    /// The coverage after more patches were measured against a bank that has only gained rows: the larger radius. Exact where both are and
    /// the new one is the larger: to the old patches the bank may have come nearer.
    #[must_use]
    pub fn with_more(&self, more: &Self) -> Self {
        let radius = self.radius.max(more.radius);
        let is_exact = self.is_exact && more.is_exact && more.radius >= self.radius;
        Self { radius, quantiles: Vec::new(), is_exact, patches: self.patches + more.patches }
    }
}

/// Measures a bank's coverage, rows after rows. Memory: 4 bytes a row.
#[derive(Debug, Clone, Default)]
pub struct CoverageMeter {
    squared: Vec<f32>,
    nearest: Vec<Neighbor>,
}

impl CoverageMeter {
    /// Looks rows `[n, dim]` up in a bank, in chunks.
    ///
    /// # Errors
    /// [`DeviceError::Execution`], also for what are not whole rows.
    pub fn add(&mut self, index: &NearestNeighborIndex, rows: &[f32]) -> Result<(), DeviceError> {
        self.squared.reserve_exact(rows.len() / index.bank().dim());
        for rows in rows.chunks(QUERIES * index.bank().dim()) {
            index.nearest_of_rows_into(rows, &mut self.nearest)?;
            self.squared.extend(self.nearest.iter().map(|found| found.squared_distance));
        }
        Ok(())
    }

    /// What was measured; `None` before the first row.
    pub fn coverage(mut self) -> Option<Coverage> {
        let patches = self.squared.len() as u64;
        self.squared.sort_unstable_by(f32::total_cmp);
        let largest = upper(*self.squared.last()?);
        let quantiles = SHARES.iter().filter_map(|share| Some(upper(quantile(&self.squared, *share)?))).collect();
        Some(Coverage { radius: largest, quantiles, is_exact: true, patches })
    }
}

/// Tells of every row `[n, dim]` its number and its nearest row of an index.
///
/// # Errors
/// [`DeviceError::Execution`].
pub(crate) fn each_nearest(
    index: &dyn Index,
    rows: &[f32],
    dim: usize,
    mut tell: impl FnMut(usize, Neighbor),
) -> Result<(), DeviceError> {
    let mut nearest = Vec::new();
    for (chunk, rows) in rows.chunks(QUERIES * dim).enumerate() {
        index.nearest(rows, &mut nearest)?;
        nearest.iter().enumerate().for_each(|(at, found)| tell(chunk * QUERIES + at, *found));
    }
    Ok(())
}

/// The distance of a squared one that was rounded to f32, no smaller than it is.
pub(crate) fn upper(squared: f32) -> f32 {
    // Half a unit in the last place of the square is less than one in 2^24 of it, and half of that of its root.
    rounded_up(f64::from(squared).sqrt() * (1.0 + 1.0 / f64::from(1 << 24)))
}

/// As f32, no smaller than it is.
pub(crate) fn rounded_up(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value { nearest.next_up() } else { nearest }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;
    use crate::ComputeDevice;
    use crate::backbone::test_networks::values;
    use crate::memory_bank::MemoryBank;

    #[test]
    fn coverage_is_what_brute_force_in_f64_measures() {
        let (dim, bank, rows) = (24, values(24 * 70, 1), values(24 * 1000, 2));
        let index = MemoryBank::from_rows(dim, bank.clone()).unwrap();
        let index = NearestNeighborIndex::new(index, &ComputeDevice::cpu()).unwrap();
        let mut meter = CoverageMeter::default();
        // However the rows are cut.
        for rows in rows.chunks(dim * 333) {
            meter.add(&index, rows).unwrap();
        }
        let found = meter.coverage().unwrap();
        let squared = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
        };
        let nearest = |row: &[f32]| bank.chunks(dim).map(|other| squared(row, other)).fold(f64::INFINITY, f64::min);
        let mut expected: Vec<f64> = rows.chunks(dim).map(|row| nearest(row).sqrt()).collect();
        expected.sort_unstable_by(f64::total_cmp);
        assert_eq!((found.is_exact, found.patches), (true, 1000));
        let near = |found: f32, expected: f64| {
            assert!(f64::from(found) >= expected && f64::from(found) <= expected * (1.0 + 1e-6), "{found} {expected}");
        };
        near(found.radius, expected[999]);
        assert_eq!(found.quantiles.len(), SHARES.len());
        for (found, at) in found.quantiles.iter().zip([499, 899, 949, 989, 994, 998, 999]) {
            near(*found, expected[at]);
        }
        assert_eq!(CoverageMeter::default().coverage(), None);
    }

    #[test]
    fn more_patches_leave_the_radius_exact_where_theirs_is_the_largest() {
        let exact = |radius| Coverage { is_exact: true, ..Coverage::bound(radius, 10) };
        let after = |old: &Coverage, new: f32| {
            let after = old.with_more(&exact(new));
            (after.radius, after.is_exact, after.patches)
        };
        assert_eq!(after(&exact(1.0), 2.0), (2.0, true, 20));
        assert_eq!(after(&exact(2.0), 1.0), (2.0, false, 20));
        assert_eq!(after(&Coverage::bound(1.0, 10), 2.0), (2.0, false, 20));
    }
}
