//! The plain greedy among the candidates, for as long as nobody outside can win.

#![allow(clippy::indexing_slicing, reason = "slots enumerate the candidates")]

use super::candidates::{Candidates, preference};
use super::minima::Minima;
use crate::lattice::{LatticeRows, NEVER, PANEL, Panels};
use crate::simd::Level;

/// Picks at most `limit` rows, in the order of the plain greedy loop. At least one when there are candidates.
pub(super) fn greedy_among(
    candidates: &Candidates,
    limit: usize,
    features: &[f32],
    dim: usize,
    lattice: &LatticeRows,
    instructions: Level,
) -> Vec<u32> {
    let dims = lattice.dims;
    let rows = &candidates.rows;
    let mut coordinates = vec![0i16; rows.len() * dims];
    for ((row, _), out) in rows.iter().zip(coordinates.chunks_exact_mut(dims)) {
        lattice.row(*row as usize, out);
    }
    let panels = Panels::pack(&coordinates, dims, dims);
    let mut values: Vec<f64> = rows.iter().map(|(_, value)| *value).collect();
    let mut floors = vec![NEVER; panels.len() * PANEL];
    for ((floor, value), (row, _)) in floors.iter_mut().zip(&values).zip(rows) {
        *floor = lattice.floor(*row as usize, *value);
    }
    let mut products = vec![0i32; floors.len()];
    let mut passing = Vec::new();
    let mut picks = Vec::new();
    while picks.len() < limit {
        let Some(best) = largest(&values) else { break };
        let pick = (rows[best].0, values[best]);
        if candidates.outside.is_some_and(|outside| preference(&pick, &outside).is_gt()) {
            break;
        }
        picks.push(pick.0);
        values[best] = Minima::TAKEN;
        floors[best] = NEVER;
        let query = &coordinates[best * dims..(best + 1) * dims];
        for (panel, (floors, out)) in floors.chunks_exact(PANEL).zip(products.chunks_exact_mut(PANEL)).enumerate() {
            instructions.distances_to_one(panels.panel(panel), floors, query, query.len(), out);
        }
        passing.clear();
        instructions.not_above(&products, -lattice.norms[pick.0 as usize], 0, &mut passing);
        let picked = &features[pick.0 as usize * dim..][..dim];
        for (_, slot) in &passing {
            let slot = *slot as usize;
            let row = rows[slot].0 as usize;
            let squared = instructions.squared_distance(&features[row * dim..(row + 1) * dim], picked, values[slot]);
            if squared < values[slot] {
                values[slot] = squared;
                floors[slot] = lattice.floor(row, squared);
            }
        }
    }
    picks
}

/// Slot of the largest value that is not taken, the first of equals.
fn largest(values: &[f64]) -> Option<usize> {
    let most = values.iter().fold(Minima::TAKEN, |most, value| if *value > most { *value } else { most });
    (most >= 0.0).then(|| values.iter().position(|value| *value == most)).flatten()
}
