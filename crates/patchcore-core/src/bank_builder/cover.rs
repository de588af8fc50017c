//! Rows until a coverage is reached: the shortest beginning of the greedy order, and the cover of a block.

#![allow(clippy::indexing_slicing, reason = "picks are places among rows, which are cut at multiples of the dimension")]

use std::borrow::Cow;
use std::collections::HashSet;

use patchcore_config::BankDtype;

use super::held::{Held, compact, index_of, nearest_of};
use super::selection::{Features, Selection};
use crate::coverage::{each_nearest, upper};
use crate::error::FitError;
use crate::memory_bank::{MemoryBank, round};

/// Fewest rows that are picked at once.
const FEWEST: usize = 256;
/// Most new rows of a block that are compared with each other.
const MOST: usize = 2048;

/// The picks of the greedy order over rows `[n, dim]` up to the first with which no row lies further than `within` from its nearest pick,
/// as the bank keeps it. `initial`: squared start distances in the space of the selection.
///
/// The picks come in chunks, each continued from the distances to those before it, as f32 has them: every row is compared with every pick
/// once.
pub(crate) fn prefix_within(
    selection: &Selection<'_>,
    rows: &[f32],
    features: &Features<'_>,
    mut initial: Vec<f32>,
    within: f32,
    dtype: BankDtype,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<usize>, FitError> {
    let (dim, patches, engine) = (selection.dim, rows.len() / selection.dim, selection.engine);
    let row = |at: usize| &rows[at * dim..][..dim];
    let mut uncovered: Vec<usize> = (0..patches).collect();
    let mut is_picked = vec![false; patches];
    let mut picks: Vec<usize> = Vec::new();
    while !uncovered.is_empty() {
        let count = FEWEST.max(picks.len() / 4).min(patches - picks.len());
        let before = picks.len();
        let mut tell = |picked: usize| progress(before + picked);
        let chunk = selection.pick(features, &initial, count, &mut tell)?;
        // Where the selection sees no distance any more it has nothing to choose by.
        let mut chunk: Vec<usize> = chunk.into_iter().filter(|pick| !is_picked[*pick]).collect();
        if chunk.is_empty() {
            chunk = uncovered.iter().copied().filter(|row| !is_picked[*row]).take(count).collect();
        }
        if chunk.is_empty() {
            // Every row is in the bank.
            break;
        }
        let is_within = |length: usize, uncovered: &[usize]| -> Result<Vec<bool>, FitError> {
            let picked: Vec<f32> = chunk[..length].iter().flat_map(|pick| row(*pick)).copied().collect();
            let index = engine.index(&MemoryBank::from_rows(dim, picked)?.with_dtype(dtype)?)?;
            let mut found = Vec::with_capacity(uncovered.len());
            for some in uncovered.chunks(MOST) {
                let queries: Vec<f32> = some.iter().flat_map(|at| row(*at)).copied().collect();
                each_nearest(index.as_ref(), &queries, dim, |_, near| {
                    found.push(upper(near.squared_distance) <= within);
                })?;
            }
            // A pick is a row of the bank, whatever its number format makes of it.
            let picked: HashSet<&usize> = chunk[..length].iter().collect();
            found.iter_mut().zip(uncovered).for_each(|(within, at)| *within |= picked.contains(at));
            Ok(found)
        };
        let found = is_within(chunk.len(), &uncovered)?;
        if found.iter().all(|within| *within) {
            // The shortest beginning that covers what was not covered before.
            let (mut least, mut most) = (1, chunk.len());
            while least < most {
                let middle = least.midpoint(most);
                let covers = is_within(middle, &uncovered)?.iter().all(|within| *within);
                if covers { most = middle } else { least = middle + 1 }
            }
            picks.extend_from_slice(&chunk[..most]);
            break;
        }
        compact(&mut uncovered, 0, 1, &found.iter().map(|within| !within).collect::<Vec<bool>>());
        let width = features.width;
        let picked: Vec<f32> =
            chunk.iter().flat_map(|pick| &features.values[pick * width..][..width]).copied().collect();
        let squared = nearest_of(engine, &features.values, &picked, width)?;
        initial.iter_mut().zip(squared).for_each(|(initial, squared)| *initial = initial.min(squared));
        chunk.iter().for_each(|pick| is_picked[*pick] = true);
        picks.extend(chunk);
    }
    Ok(picks)
}

/// Keeps of the new rows as many, chosen greedily, as it takes for none to lie further than `within` from a kept one; a row that lies
/// nearer is not kept. Kept rows are rounded to the format of the bank, which they are already rows of.
///
/// # Errors
/// [`FitError::CoverageOverBudget`] where more than `most` rows would be kept; [`FitError::Device`].
pub(crate) fn cover_new(
    held: &mut Held,
    selection: &Selection<'_>,
    patches: usize,
    within: f32,
    most: usize,
    dtype: BankDtype,
) -> Result<(), FitError> {
    let (dim, engine) = (held.dim, selection.engine);
    if held.kept() > 0 {
        drop_covered(held, 0, within, selection)?;
    }
    let (kept, new) = held.split();
    let Features { values, width } = selection.features(new, patches)?;
    let mut projected = match values {
        Cow::Owned(values) => Some(values),
        Cow::Borrowed(_) => None,
    };
    let mut current = match kept.is_empty() {
        true => selection.start(&block(held, projected.as_ref(), width)),
        false => {
            let kept = selection.features(kept, patches)?;
            nearest_of(engine, &block(held, projected.as_ref(), width).values, &kept.values, width)?
        }
    };
    let mut in_block = 0;
    while held.len() > held.kept() {
        let kept = held.kept();
        let candidates = held.len() - kept;
        let count = FEWEST.max(in_block / 4).min(MOST).min(candidates);
        let of_selection = block(held, projected.as_ref(), width);
        let picks = selection.pick(&of_selection, &current, count, &mut |_| true)?;
        let mut chosen: Vec<usize> = Vec::new();
        let mut rows: Vec<f32> = Vec::new();
        for pick in picks {
            let row = held.row(kept + pick);
            let is_covered = rows.chunks_exact(dim).any(|other| distance(row, other) <= f64::from(within));
            if !is_covered {
                let start = rows.len();
                rows.extend_from_slice(row);
                round(dtype, &mut rows[start..]);
                chosen.push(pick);
            }
        }
        in_block += chosen.len();
        if kept + chosen.len() > most {
            return Err(FitError::CoverageOverBudget { radius: within, rows: most });
        }
        let of_chosen: Vec<f32> =
            chosen.iter().flat_map(|pick| &of_selection.values[pick * width..][..width]).copied().collect();
        let squared = nearest_of(engine, &of_selection.values, &of_chosen, width)?;
        current.iter_mut().zip(squared).for_each(|(current, squared)| *current = current.min(squared));
        // The chosen leave the new rows and become kept ones.
        let mut stays = vec![true; candidates];
        chosen.iter().for_each(|pick| stays[*pick] = false);
        let mut moved = Vec::with_capacity(chosen.len());
        let mut bounds = Vec::with_capacity(chosen.len());
        for (pick, rounded) in chosen.iter().zip(rows.chunks_exact(dim)) {
            moved.push(held.origins[kept + pick]);
            bounds.push(crate::coverage::rounded_up(distance(held.row(kept + pick), rounded)));
        }
        held.retain_new(&stays);
        insert(&mut held.rows, kept * dim, &rows);
        insert(&mut held.origins, kept, &moved);
        held.bounds.extend(bounds);
        compact(&mut current, 0, 1, &stays);
        if let Some(projected) = &mut projected {
            compact(projected, 0, width, &stays);
        }
        let stays = drop_covered(held, kept, within, selection)?;
        compact(&mut current, 0, 1, &stays);
        if let Some(projected) = &mut projected {
            compact(projected, 0, width, &stays);
        }
    }
    Ok(())
}

/// What the new rows are selected on: projected, or themselves.
fn block<'a>(held: &'a Held, projected: Option<&'a Vec<f32>>, width: usize) -> Features<'a> {
    Features { values: Cow::Borrowed(projected.map_or_else(|| held.split().1, Vec::as_slice)), width }
}

/// Takes those new rows away that lie within a distance of a kept row, from the `from`th on; says which stay.
fn drop_covered(held: &mut Held, from: usize, within: f32, selection: &Selection<'_>) -> Result<Vec<bool>, FitError> {
    let dim = held.dim;
    let (kept, new) = held.split();
    let mut stays = vec![true; new.len() / dim];
    let index = index_of(selection.engine, &kept[from * dim..], dim)?;
    let mut bounds = std::mem::take(&mut held.bounds);
    let found = each_nearest(index.as_ref(), &held.rows[bounds.len() * dim..], dim, |at, near| {
        let distance = upper(near.squared_distance);
        if distance <= within {
            let bound = &mut bounds[from + near.row as usize];
            *bound = bound.max(distance);
            stays[at] = false;
        }
    });
    held.bounds = bounds;
    found?;
    held.retain_new(&stays);
    Ok(stays)
}

/// Puts values where `at` says, before what is there.
fn insert<T: Copy>(values: &mut Vec<T>, at: usize, new: &[T]) {
    values.extend_from_slice(new);
    values[at..].rotate_right(new.len());
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    patchcore_cpu::search::squared_distance(a, b).sqrt()
}
