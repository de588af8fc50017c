//! Rows on the lattice with all their coordinates.
//!
//! Row `x` becomes `i = round((x - c) / s)` with the mean `c` and one step `s`, chosen so that the longest row has
//! [`LENGTH`] steps. The rounding error `|(x - c) / s - i|` is known for every row.

#![allow(clippy::indexing_slicing, reason = "rows are cut from buffers of the same row count")]

use rayon::prelude::*;

use super::bound::{LENGTH, reach};
use super::{PANEL, Panels, set_in_panel};

/// Adding it rounds an `f64` to the nearest integer and leaves that integer in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Panels that one task converts.
const PANELS_PER_TASK: usize = 32;

/// The integer copy of all rows.
pub(crate) struct LatticeRows {
    /// Coordinates, `dims` of them per row.
    pub(crate) panels: Panels,
    /// Coordinates per row: the feature dimension, made even.
    pub(crate) dims: usize,
    /// Squared length per row, filled up to whole panels.
    pub(crate) norms: Vec<i32>,
    /// Rounding error per row, in steps.
    errors: Vec<f32>,
    largest_error: f64,
    inverse_step: f64,
}

impl LatticeRows {
    /// Puts row-major `features` `[n, dim]` on a lattice.
    pub(crate) fn new(features: &[f32], dim: usize) -> Self {
        let n = features.len() / dim;
        let dims = dim.next_multiple_of(2);
        let centre = mean(features, dim);
        let longest = features
            .par_chunks(dim * PANEL)
            .map(|rows| rows.chunks_exact(dim).map(|row| squared_length(row, &centre)).fold(0.0, f64::max))
            .reduce(|| 0.0, f64::max)
            .sqrt();
        let inverse_step = if longest > 0.0 { LENGTH / longest } else { 1.0 };
        let mut panels = Panels::zeros(n, dims);
        let padded = panels.len() * PANEL;
        let (mut norms, mut errors) = (vec![0; padded], vec![0.0; padded]);
        let rows_per_task = PANELS_PER_TASK * PANEL;
        features
            .par_chunks(dim * rows_per_task)
            .zip(panels.values_mut().par_chunks_mut(dims * rows_per_task))
            .zip(norms.par_chunks_mut(rows_per_task))
            .zip(errors.par_chunks_mut(rows_per_task))
            .for_each(|(((features, panels), norms), errors)| {
                let mut coordinates = vec![0i16; dims];
                for (row, values) in features.chunks_exact(dim).enumerate() {
                    errors[row] = round(values, &centre, inverse_step, &mut coordinates);
                    norms[row] = coordinates.iter().map(|value| i32::from(*value).pow(2)).sum();
                    let panel = &mut panels[row / PANEL * PANEL * dims..][..PANEL * dims];
                    set_in_panel(panel, row % PANEL, &coordinates);
                }
            });
        let largest_error = errors.iter().fold(0.0, |most, error| error.max(most));
        Self { panels, dims, norms, errors, largest_error: f64::from(largest_error), inverse_step }
    }

    /// The squared length of `row` less the largest squared lattice distance at which another row can be as near as
    /// `squared` (or nearer).
    pub(crate) fn floor(&self, row: usize, squared: f64) -> i32 {
        let errors = f64::from(self.errors[row]) + self.largest_error;
        self.norms[row] - reach(squared.sqrt() * self.inverse_step, errors)
    }

    /// Copies the coordinates of a row.
    pub(crate) fn row(&self, row: usize, out: &mut [i16]) {
        let panel = self.panels.panel(row / PANEL);
        for (pair, out) in out.chunks_exact_mut(2).enumerate() {
            let at = pair * 2 * PANEL + row % PANEL * 2;
            out.copy_from_slice(&panel[at..at + 2]);
        }
    }
}

/// Mean row, rounded to `f32` so that differences to it lose nothing that matters.
fn mean(features: &[f32], dim: usize) -> Vec<f32> {
    let partial: Vec<Vec<f64>> = features
        .par_chunks(dim * 1024)
        .map(|rows| {
            let mut sums = vec![0.0; dim];
            for row in rows.chunks_exact(dim) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
            sums
        })
        .collect();
    let n = (features.len() / dim) as f64;
    (0..dim).map(|axis| (partial.iter().map(|sums| sums[axis]).sum::<f64>() / n) as f32).collect()
}

fn squared_length(row: &[f32], centre: &[f32]) -> f64 {
    let mut lanes = [0.0; 8];
    for (row, centre) in row.chunks(8).zip(centre.chunks(8)) {
        for ((lane, x), c) in lanes.iter_mut().zip(row).zip(centre) {
            let difference = f64::from(*x) - f64::from(*c);
            *lane += difference * difference;
        }
    }
    lanes.iter().sum()
}

/// Rounds a row to the lattice; returns the length of what rounding changed, in steps, rounded up.
fn round(row: &[f32], centre: &[f32], inverse_step: f64, out: &mut [i16]) -> f32 {
    let mut lanes = [0.0; 8];
    for ((row, centre), out) in row.chunks(8).zip(centre.chunks(8)).zip(out.chunks_mut(8)) {
        for (((lane, x), c), out) in lanes.iter_mut().zip(row).zip(centre).zip(out) {
            let exact = (f64::from(*x) - f64::from(*c)) * inverse_step;
            let rounded = exact + ROUNDER;
            *out = rounded.to_bits() as i16;
            let change = exact - (rounded - ROUNDER);
            *lane += change * change;
        }
    }
    (lanes.iter().sum::<f64>().sqrt() * (1.0 + 1e-6) + 1e-6) as f32
}
