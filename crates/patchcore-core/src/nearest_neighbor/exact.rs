//! The CPU engine's formula, on the host, for what the rounding of f32 cannot decide on a device.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use patchcore_cpu::Instructions;
use patchcore_cpu::search::{CpuBank, Workspace, squared_distance};

use super::neighbor::Neighbor;
use crate::memory_bank::MemoryBank;

/// In place of another row that may be as near: none is.
pub(super) const ALONE: i32 = -1;
/// In place of another row: several are as near, or may be.
#[cfg(feature = "cube")]
pub(super) const SEVERAL: i32 = -2;
/// Plain passes over the bank after which the CPU engine's index is worth its making.
const PASSES: usize = 8;

/// Decides by `patchcore-cpu`'s one formula, in f64, equal distances by the lowest row.
#[derive(Debug)]
pub(super) struct Exact {
    bank: MemoryBank,
    passes: AtomicUsize,
    index: OnceLock<CpuBank>,
}

impl Exact {
    pub(super) fn new(bank: &MemoryBank) -> Self {
        Self { bank: bank.clone(), passes: AtomicUsize::new(0), index: OnceLock::new() }
    }

    /// The nearer one of two rows.
    pub(super) fn nearer(&self, query: &[f32], rows: [u32; 2]) -> Neighbor {
        self.least(query, rows.into_iter())
    }

    /// The nearest row of each of `[n, dim]` queries.
    pub(super) fn nearest(&self, queries: &[f32]) -> Vec<Neighbor> {
        let (dim, rows) = (self.bank.dim(), 0..self.bank.len() as u32);
        let n = queries.len() / dim;
        if self.index.get().is_none() && self.passes.fetch_add(n, Ordering::Relaxed) + n <= PASSES {
            return queries.chunks_exact(dim).map(|query| self.least(query, rows.clone())).collect();
        }
        let (mut found, mut squared) = (vec![0; n], vec![0.0; n]);
        self.index().nearest(self.bank.rows(), queries, &mut found, &mut squared, &mut Workspace::default());
        let found = found.into_iter().zip(squared);
        found.map(|(row, squared_distance)| Neighbor { row, squared_distance }).collect()
    }

    /// The `k` nearest rows, nearest first, equal distances by row.
    pub(super) fn k_nearest(&self, query: &[f32], k: usize) -> Vec<Neighbor> {
        let mut pairs = Vec::new();
        self.index().k_nearest_into(self.bank.rows(), query, k, &Workspace::default(), &mut pairs);
        pairs.into_iter().map(|(row, squared_distance)| Neighbor { row, squared_distance }).collect()
    }

    /// The `k` nearest rows of a vector, where `ranks`, a few more than `k`, are the nearest ones by distances in f32; `None` where those
    /// rows may not be all that it takes.
    ///
    /// An f32 distance is off by a share `r = (dim + 4) 2^-23` at most (`cube/bound.rs`: in any order of the sums), so that every row that
    /// is not among the ranks has a distance of at least `(1 - r) / (1 + r)` times the largest among them. If the `k`th is nearer
    /// than that, none of those others belongs before it.
    pub(super) fn in_order(&self, query: &[f32], ranks: &[i32], k: usize) -> Option<Vec<Neighbor>> {
        let rows = ranks.iter().map(|row| u32::try_from(*row).ok().filter(|row| (*row as usize) < self.len()));
        let rows: Vec<u32> = rows.collect::<Option<_>>()?;
        let mut found: Vec<(f64, u32)> = rows.into_iter().map(|row| (self.squared(query, row), row)).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (last, _) = *found.last()?;
        let (farthest, _) = *found.get(k.checked_sub(1)?)?;
        let off = (query.len() + 4) as f64 * f64::from(f32::EPSILON);
        let smallest = 16.0 * (query.len() + 16) as f64 * f64::from(f32::MIN_POSITIVE);
        let clear = last < f64::from(f32::MAX) && farthest * (1.0 + off) + smallest < last * (1.0 - off) - smallest;
        if found.len() < self.len() && !clear {
            return None;
        }
        found.truncate(k);
        let found = found.into_iter();
        Some(found.map(|(squared, row)| Neighbor { row, squared_distance: squared as f32 }).collect())
    }

    /// Rows of the bank.
    pub(super) fn len(&self) -> usize {
        self.bank.len()
    }

    /// Values of a row.
    pub(super) fn dim(&self) -> usize {
        self.bank.dim()
    }

    /// A row of the bank.
    pub(super) fn row(&self, row: u32) -> &[f32] {
        self.bank.row(row as usize)
    }

    fn least(&self, query: &[f32], rows: impl Iterator<Item = u32>) -> Neighbor {
        let mut best = (f64::INFINITY, u32::MAX);
        for row in rows {
            let found = (self.squared(query, row), row);
            if found.0 < best.0 || (found.0 == best.0 && found.1 < best.1) {
                best = found;
            }
        }
        Neighbor { row: best.1, squared_distance: best.0 as f32 }
    }

    fn squared(&self, query: &[f32], row: u32) -> f64 {
        squared_distance(query, self.row(row))
    }

    fn index(&self) -> &CpuBank {
        self.index.get_or_init(|| CpuBank::new(self.bank.rows(), self.bank.dim(), Instructions::native()))
    }
}
