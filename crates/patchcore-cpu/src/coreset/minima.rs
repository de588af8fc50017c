//! Every row's squared distance to the nearest pick, and the pass that applies a block of picks to all rows.

#![allow(clippy::indexing_slicing, reason = "all buffers hold the same rows, in whole panels")]

use rayon::prelude::*;

use crate::lattice::{LatticeRows, NEVER, PANEL, TILE};
use crate::simd::Level;

/// Panels that one task updates.
const PANELS_PER_TASK: usize = 16;

/// Squared distance of every row to its nearest pick.
pub(super) struct Minima {
    /// One value per row; [`Minima::TAKEN`] once the row is picked.
    pub(super) values: Vec<f64>,
    /// What the integer filter compares with, see [`LatticeRows::floor`].
    floors: Vec<i32>,
}

/// The picks of a block, in the form that the filter reads.
pub(super) struct Picks {
    rows: Vec<u32>,
    coordinates: Vec<i16>,
    norms: Vec<i32>,
}

impl Minima {
    /// Marks a row that has been picked.
    pub(super) const TAKEN: f64 = -1.0;

    /// Starts with the given squared distances.
    pub(super) fn new(initial: &[f32], lattice: &LatticeRows) -> Self {
        let values: Vec<f64> = initial.iter().map(|value| f64::from(*value)).collect();
        let mut floors = vec![NEVER; lattice.norms.len()];
        floors.par_iter_mut().zip(&values).enumerate().for_each(|(row, (floor, value))| {
            *floor = lattice.floor(row, *value);
        });
        Self { values, floors }
    }

    /// Takes the picks out and applies them to all other rows.
    pub(super) fn apply(
        &mut self,
        picks: &[u32],
        features: &[f32],
        dim: usize,
        lattice: &LatticeRows,
        instructions: Level,
    ) {
        for pick in picks {
            self.values[*pick as usize] = Self::TAKEN;
            self.floors[*pick as usize] = NEVER;
        }
        let picks = Picks::new(picks, lattice);
        let rows_per_task = PANELS_PER_TASK * PANEL;
        self.values.par_chunks_mut(rows_per_task).zip(self.floors.par_chunks_mut(rows_per_task)).enumerate().for_each(
            |(task, (values, floors))| {
                for (index, (values, floors)) in values.chunks_mut(PANEL).zip(floors.chunks_mut(PANEL)).enumerate() {
                    let panel = task * PANELS_PER_TASK + index;
                    update_panel(panel, values, floors, &picks, features, dim, lattice, instructions);
                }
            },
        );
    }
}

impl Picks {
    fn new(rows: &[u32], lattice: &LatticeRows) -> Self {
        let padded = rows.len().next_multiple_of(TILE);
        let mut coordinates = vec![0; padded * lattice.dims];
        // Padding must not pass the filter.
        let mut norms = vec![NEVER; padded];
        for ((row, out), norm) in rows.iter().zip(coordinates.chunks_exact_mut(lattice.dims)).zip(&mut norms) {
            lattice.row(*row as usize, out);
            *norm = lattice.norms[*row as usize];
        }
        Self { rows: rows.to_vec(), coordinates, norms }
    }
}

#[allow(clippy::too_many_arguments, reason = "the innermost step of one pass, called from one place")]
fn update_panel(
    panel: usize,
    values: &mut [f64],
    floors: &mut [i32],
    picks: &Picks,
    features: &[f32],
    dim: usize,
    lattice: &LatticeRows,
    instructions: Level,
) {
    let dims = lattice.dims;
    let coordinates = lattice.panels.panel(panel);
    let tiles = picks.coordinates.chunks_exact(TILE * dims).zip(picks.norms.chunks_exact(TILE));
    // Tile by tile, so that what a tile has shrunk lets less pass in the next one.
    for (tile, (queries, norms)) in tiles.enumerate() {
        let mut masks = [0; TILE];
        instructions.closer(coordinates, floors, queries, norms, dims, &mut masks);
        let mut touched = 0;
        for (pick, mask) in masks.iter().enumerate() {
            let mut mask = *mask;
            while mask != 0 {
                let slot = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let pick = picks.rows[tile * TILE + pick] as usize;
                let row = panel * PANEL + slot;
                let squared = instructions.squared_distance(
                    &features[row * dim..(row + 1) * dim],
                    &features[pick * dim..(pick + 1) * dim],
                    values[slot],
                );
                if squared < values[slot] {
                    values[slot] = squared;
                    touched |= 1u32 << slot;
                }
            }
        }
        while touched != 0 {
            let slot = touched.trailing_zeros() as usize;
            touched &= touched - 1;
            floors[slot] = lattice.floor(panel * PANEL + slot, values[slot]);
        }
    }
}
