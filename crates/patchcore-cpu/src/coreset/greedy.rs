//! The selection: blocks of picks until there are enough.

use super::block::greedy_among;
use super::candidates::Finder;
use super::minima::Minima;
use crate::Instructions;
use crate::lattice::LatticeRows;
use crate::simd::Level;

/// Candidates looked at per block.
const CANDIDATES: usize = 2048;
/// Picks applied to all rows at once, at most.
const BLOCK: usize = 240;

/// Picks `count` rows of row-major `features` `[n, dim]`, each the one farthest from those before it.
///
/// `initial` holds a squared start distance per row, zero or more (infinity is allowed); the first pick is its largest
/// value. Equal distances go to the lowest index, and no row is picked twice: when every row left is a duplicate of a
/// picked one, the lowest free indices follow. `progress` is told the number of picks so far, once per block, and
/// returns false to stop: then there is no result. Fewer than `count` rows are picked only when there are fewer.
///
/// Distances are computed in `f64` by the formula of the search: the picks are the same, bit for bit, whatever the
/// processor, `instructions` (the most that the kernels may use) and the number of threads (rayon's current pool). Values must be finite.
///
/// # Panics
/// Where `features` are not one row for each start distance, or such a distance is negative or NaN.
pub fn greedy_k_center(
    features: &[f32],
    dim: usize,
    initial: &[f32],
    count: usize,
    instructions: Instructions,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Option<Vec<u32>> {
    select(features, dim, initial, count, progress, Level::at_most(instructions), CANDIDATES)
}

/// [`greedy_k_center`] with everything that must not change the result as a parameter.
pub(super) fn select(
    features: &[f32],
    dim: usize,
    initial: &[f32],
    count: usize,
    progress: &mut dyn FnMut(usize) -> bool,
    instructions: Level,
    candidates: usize,
) -> Option<Vec<u32>> {
    let n = initial.len();
    assert_eq!(features.len(), n * dim, "not one row of {dim} values for each of {n} start distances");
    assert!(initial.iter().all(|squared| *squared >= 0.0), "a start distance is negative or NaN");
    let count = count.min(n);
    let mut picks: Vec<u32> = Vec::with_capacity(count);
    if count == 0 || dim == 0 {
        // Rows without coordinates are all alike: the lowest indices, after the largest start distance.
        picks.extend(rows_alike(initial, count));
        return progress(picks.len()).then_some(picks);
    }
    let lattice = LatticeRows::new(features, dim);
    let mut minima = Minima::new(initial, &lattice);
    let mut finder = Finder::new();
    while picks.len() < count {
        if !progress(picks.len()) {
            return None;
        }
        let candidates = finder.find(&minima.values, candidates);
        let limit = (count - picks.len()).min(BLOCK);
        let block = greedy_among(&candidates, limit, features, dim, &lattice, instructions);
        assert!(!block.is_empty(), "rows are left, so one of them is picked");
        picks.extend(&block);
        if picks.len() < count {
            minima.apply(&block, features, dim, &lattice, instructions);
        }
    }
    progress(picks.len());
    Some(picks)
}

fn rows_alike(initial: &[f32], count: usize) -> impl Iterator<Item = u32> {
    let largest = initial.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Of no rows none is taken.
    let first = initial.iter().position(|value| *value == largest).unwrap_or(0);
    let others = (0..initial.len()).filter(move |row| *row != first);
    std::iter::once(first).chain(others).take(count).map(|row| row as u32)
}
