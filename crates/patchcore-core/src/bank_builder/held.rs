//! The rows that a growing bank holds: representatives first, with what each stands for, then those that are new.

#![allow(
    clippy::indexing_slicing,
    reason = "rows are cut at multiples of the dimension, and picks are places among them"
)]

use std::collections::HashSet;

use crate::coverage::{each_nearest, rounded_up, upper};
use crate::engine::{Engine, Index};
use crate::error::{DeviceError, FitError};
use crate::memory_bank::{MemoryBank, PatchOrigin};
use std::sync::Arc;

/// Rows `[n, dim]` with their origins. The first are kept rows, one for each bound.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub dim: usize,
    pub rows: Vec<f32>,
    pub origins: Vec<PatchOrigin>,
    /// No patch that a kept row stands for lies further from it.
    pub bounds: Vec<f32>,
}

impl Held {
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    pub fn kept(&self) -> usize {
        self.bounds.len()
    }

    pub fn row(&self, at: usize) -> &[f32] {
        &self.rows[at * self.dim..][..self.dim]
    }

    /// Kept rows and new ones.
    pub fn split(&self) -> (&[f32], &[f32]) {
        self.rows.split_at(self.kept() * self.dim)
    }

    /// The bound of a row: 0 of a new one, which stands for itself.
    fn bound(&self, at: usize) -> f32 {
        self.bounds.get(at).copied().unwrap_or(0.0)
    }

    /// Of some rows the first of equal ones, and none that equals a kept row.
    pub fn without_copies(&self, picks: Vec<usize>, kept: usize) -> Vec<usize> {
        // Minus zero equals zero.
        let bits = |at: usize| self.row(at).iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<u32>>();
        let mut seen: HashSet<Vec<u32>> = (0..kept).map(bits).collect();
        picks.into_iter().filter(|pick| seen.insert(bits(*pick))).collect()
    }

    /// Keeps of the new rows these alone; every other one is stood for by its nearest kept row.
    ///
    /// # Errors
    /// [`FitError::Device`], and [`FitError::Bank`]; nothing is changed then.
    pub fn keep_of_new(&mut self, picks: &[usize], engine: &dyn Engine) -> Result<(), FitError> {
        let kept = self.kept();
        let rows = self.gathered(picks);
        let centres = [&self.rows[..kept * self.dim], &rows].concat();
        let index = engine.index(&MemoryBank::from_rows(self.dim, centres)?)?;
        let mut bounds = self.bounds.clone();
        bounds.resize(kept + picks.len(), 0.0);
        each_nearest(index.as_ref(), &self.rows[kept * self.dim..], self.dim, |_, found| {
            let bound = &mut bounds[found.row as usize];
            *bound = bound.max(upper(found.squared_distance));
        })?;
        let origins: Vec<PatchOrigin> = picks.iter().map(|pick| self.origins[*pick]).collect();
        self.rows.truncate(kept * self.dim);
        self.rows.extend_from_slice(&rows);
        self.origins.truncate(kept);
        self.origins.extend(origins);
        self.bounds = bounds;
        Ok(())
    }

    /// Keeps these rows of all alone; every other one, with what it stands for, is stood for by its nearest one.
    ///
    /// # Errors
    /// As [`Held::keep_of_new`].
    pub fn keep_of_all(&mut self, picks: &[usize], engine: &dyn Engine) -> Result<(), FitError> {
        let rows = self.gathered(picks);
        let index = engine.index(&MemoryBank::from_rows(self.dim, rows.clone())?)?;
        let mut bounds = vec![0.0f32; picks.len()];
        each_nearest(index.as_ref(), &self.rows, self.dim, |at, found| {
            let through = f64::from(upper(found.squared_distance)) + f64::from(self.bound(at));
            let bound = &mut bounds[found.row as usize];
            *bound = bound.max(rounded_up(through));
        })?;
        self.origins = picks.iter().map(|pick| self.origins[*pick]).collect();
        self.rows.clear();
        self.rows.extend_from_slice(&rows);
        self.bounds = bounds;
        Ok(())
    }

    /// Some rows, one after the other.
    pub fn gathered(&self, picks: &[usize]) -> Vec<f32> {
        picks.iter().flat_map(|pick| self.row(*pick)).copied().collect()
    }

    /// Takes those new rows away that a kept one stands for by now; `stays`: one for each new row.
    pub fn retain_new(&mut self, stays: &[bool]) {
        let (kept, dim) = (self.kept(), self.dim);
        compact(&mut self.rows, kept * dim, dim, stays);
        compact(&mut self.origins, kept, 1, stays);
    }
}

/// Keeps those items, of `width` values each, from `first` on whose mark says so.
pub(crate) fn compact<T: Copy>(values: &mut Vec<T>, first: usize, width: usize, stays: &[bool]) {
    let mut to = first;
    for (at, _) in stays.iter().enumerate().filter(|(_, stays)| **stays) {
        let from = first + at * width;
        values.copy_within(from..from + width, to);
        to += width;
    }
    values.truncate(to);
}

/// Squared distances of rows `[n, dim]` to the nearest of `others` `[m, dim]`, at least one.
pub(crate) fn nearest_of(engine: &dyn Engine, rows: &[f32], others: &[f32], dim: usize) -> Result<Vec<f32>, FitError> {
    let index = index_of(engine, others, dim)?;
    let mut squared = Vec::with_capacity(rows.len() / dim);
    each_nearest(index.as_ref(), rows, dim, |_, found| squared.push(found.squared_distance))?;
    Ok(squared)
}

/// Rows `[m, dim]`, at least one, ready for queries.
pub(crate) fn index_of(engine: &dyn Engine, rows: &[f32], dim: usize) -> Result<Arc<dyn Index>, FitError> {
    let indexed: Result<_, DeviceError> = engine.index(&MemoryBank::from_rows(dim, rows.to_vec())?);
    Ok(indexed?)
}
