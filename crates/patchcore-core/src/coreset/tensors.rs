//! Greedy k-center selection in candidate blocks, on Burn tensors with two synchronisations per block: the distances of all rows to a
//! block of picks are matrix products, or one kernel (`cube.rs`).

#![allow(clippy::indexing_slicing, reason = "indices come from enumerating the same rows")]

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::selection_stopped::{OPERATION, SelectionStopped};
use crate::device::{ComputeDevice, guarded};
#[cfg(feature = "cube")]
use crate::nearest_neighbor::cube::TileShape;

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
    let update = Update::new(features, device);
    let features = update.features();
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
            let updated = guarded(device, OPERATION, || Ok(update.apply(&block, nearest)));
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

/// The rows, in the form of whoever measures their distances to a block of picks.
#[allow(clippy::large_enum_variant, reason = "one for each selection")]
enum Update {
    /// Matrix products: the rows less their mean, and their squared lengths `[n, 1]`.
    Products { features: Tensor<2>, lengths: Tensor<2> },
    /// One kernel.
    #[cfg(feature = "cube")]
    Kernel { features: Tensor<2>, shape: TileShape },
}

impl Update {
    fn new(features: Tensor<2>, device: &ComputeDevice) -> Self {
        #[cfg(feature = "cube")]
        if device.has_cube_kernels() {
            return Self::Kernel { features, shape: TileShape::of(device) };
        }
        let _ = device;
        // Distances do not change under a shift; the matrix product loses less to rounding around the mean.
        let features = features.clone() - features.mean_dim(0);
        let lengths = features.clone().square().sum_dim(1);
        Self::Products { features, lengths }
    }

    fn features(&self) -> &Tensor<2> {
        match self {
            Self::Products { features, .. } => features,
            #[cfg(feature = "cube")]
            Self::Kernel { features, .. } => features,
        }
    }

    /// The minimum with the distances to a block of picks, for every row; nothing is read back.
    fn apply(&self, block: &[usize], nearest: Tensor<1>) -> Tensor<1> {
        let index = row_indices(block, &self.features().device());
        let picks = self.features().clone().select(0, index.clone());
        nearest.min_pair(match self {
            Self::Products { features, lengths } => by_products(features, picks, lengths, index),
            #[cfg(feature = "cube")]
            Self::Kernel { features, shape } => super::cube::least_distances(features, picks, *shape),
        })
    }
}

/// Each row's least squared distance to a block of picks, by matrix products.
fn by_products(features: &Tensor<2>, picks: Tensor<2>, lengths: &Tensor<2>, index: Tensor<1, Int>) -> Tensor<1> {
    let [n, dim] = features.dims();
    let picks = picks.transpose();
    let pick_lengths = lengths.clone().select(0, index).transpose();
    let chunks = (0..n).step_by(CHUNK).map(|start| {
        let end = (start + CHUNK).min(n);
        let rows = features.clone().slice([start..end, 0..dim]);
        let products = rows.matmul(picks.clone());
        (products * -2.0 + pick_lengths.clone()).min_dim(1) + lengths.clone().slice([start..end, 0..1])
    });
    Tensor::cat(chunks.collect(), 0).reshape([n]).clamp_min(0.0)
}
