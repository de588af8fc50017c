//! Greedy k-center selection in candidate blocks, as Burn tensor operations with two synchronisations per block.

#![allow(clippy::indexing_slicing, reason = "indices come from enumerating the same rows")]

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::selection_stopped::{OPERATION, SelectionStopped};
use crate::device::{ComputeDevice, guarded};

/// Candidates looked at per block.
const CANDIDATES: usize = 1024;
/// Picks applied to all rows at once, at most.
const BLOCK: usize = 128;
/// Rows updated at once: bounds the `rows x picks` products to 32 MiB.
const CHUNK: usize = 65_536;

/// [`greedy_k_center`](super::greedy_k_center) of rows on a device, by tensor operations, with the decisions within a block on
/// the host: two synchronisations per block of up to 128 picks.
///
/// # Shapes
/// - `features`: `[n, dim]`, on `device`
/// - `initial`: `n` values
///
/// # Errors
/// [`SelectionStopped`].
pub fn greedy_k_center_tensors(
    features: Tensor<2>,
    initial: &[f32],
    count: usize,
    device: &ComputeDevice,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<usize>, SelectionStopped> {
    let [n, dim] = features.dims();
    let count = count.min(n);
    // Distances do not change under a shift; the matrix product below loses less to rounding around the mean.
    let features = features.clone() - features.mean_dim(0);
    let lengths = features.clone().square().sum_dim(1);
    let mut nearest = Tensor::from_data(TensorData::new(initial.to_vec(), [n]), &features.device());
    let mut taken = vec![false; n];
    let mut picks: Vec<usize> = Vec::with_capacity(count);
    while picks.len() < count {
        if !progress(picks.len()) {
            return Err(SelectionStopped::Cancelled);
        }
        let block = guarded(device, OPERATION, || {
            let failed = |error| device.failed(OPERATION, error);
            // The first synchronisation of the block: every row's distance.
            let distances = nearest.clone().try_into_vec_as::<f32>().map_err(failed)?;
            let candidates = farthest(&distances, &taken, CANDIDATES);
            // The second one: the rows of those that may be picked.
            let index = row_indices(&candidates, &features.device());
            let rows = features.clone().select(0, index).try_into_vec_as::<f32>().map_err(failed)?;
            Ok(greedy_among(&candidates, &rows, dim, &distances, (count - picks.len()).min(BLOCK)))
        });
        let block = block.map_err(SelectionStopped::Device)?;
        for row in &block {
            taken[*row] = true;
        }
        picks.extend(&block);
        if picks.len() < count {
            let updated = guarded(device, OPERATION, || Ok(update(&features, &lengths, &block, nearest)));
            nearest = updated.map_err(SelectionStopped::Device)?;
        }
    }
    progress(picks.len());
    Ok(picks)
}

fn row_indices(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let index: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
    Tensor::from_data(TensorData::new(index, [rows.len()]), device)
}

/// Order of preference: larger distance first, then lower index.
fn ahead(nearest: &[f32], a: usize, b: usize) -> std::cmp::Ordering {
    nearest[b].total_cmp(&nearest[a]).then(a.cmp(&b))
}

/// The free rows with the largest distances, best first.
fn farthest(nearest: &[f32], taken: &[bool], count: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..nearest.len()).filter(|row| !taken[*row]).collect();
    if rows.len() > count {
        rows.select_nth_unstable_by(count, |a, b| ahead(nearest, *a, *b));
        rows.truncate(count);
    }
    rows.sort_unstable_by(|a, b| ahead(nearest, *a, *b));
    rows
}

/// The plain greedy among candidates (best first), for as long as no row outside can be ahead: whoever is outside
/// started behind the last candidate, and distances only shrink.
fn greedy_among(candidates: &[usize], rows: &[f32], dim: usize, nearest: &[f32], limit: usize) -> Vec<usize> {
    let mut distances: Vec<f32> = candidates.iter().map(|row| nearest[*row]).collect();
    let mut free = vec![true; candidates.len()];
    let Some((last_index, last_distance)) = candidates.last().map(|row| (*row, nearest[*row])) else {
        return Vec::new();
    };
    let everything = candidates.len() < CANDIDATES;
    let mut picks = Vec::new();
    while picks.len() < limit {
        let best = (0..candidates.len())
            .filter(|slot| free[*slot])
            .min_by(|a, b| distances[*b].total_cmp(&distances[*a]).then(candidates[*a].cmp(&candidates[*b])));
        let Some(best) = best else { break };
        let behind =
            distances[best] < last_distance || (distances[best] == last_distance && candidates[best] > last_index);
        if behind && !everything {
            break;
        }
        free[best] = false;
        picks.push(candidates[best]);
        let picked = &rows[best * dim..(best + 1) * dim];
        for (slot, row) in rows.chunks_exact(dim).enumerate() {
            distances[slot] = distances[slot].min(squared_distance(row, picked));
        }
    }
    picks
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The minimum with the distances to a block of picks, for every row; nothing is read back.
fn update(features: &Tensor<2>, lengths: &Tensor<2>, block: &[usize], nearest: Tensor<1>) -> Tensor<1> {
    let [n, dim] = features.dims();
    let index = row_indices(block, &features.device());
    let picks = features.clone().select(0, index.clone()).transpose();
    let pick_lengths = lengths.clone().select(0, index).transpose();
    let chunks = (0..n).step_by(CHUNK).map(|start| {
        let end = (start + CHUNK).min(n);
        let rows = features.clone().slice([start..end, 0..dim]);
        let products = rows.matmul(picks.clone());
        (products * -2.0 + pick_lengths.clone()).min_dim(1) + lengths.clone().slice([start..end, 0..1])
    });
    let squared = Tensor::cat(chunks.collect(), 0).reshape([n]);
    nearest.min_pair(squared.clamp_min(0.0))
}
