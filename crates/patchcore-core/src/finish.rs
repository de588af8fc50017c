//! From raw patches to what a user reads: patch scores, the image score and the anomaly map. The only home of a scoring rule.
//!
//! Distances to the nearest rows come in, photo by photo, member by member, and where a photo is cut into tiles, tile by tile. What
//! becomes of them stands here, once: the unit of a patch score, the patches that count, the image score (paper equations 6 and 7),
//! a region's border, and how the maps of several members become one. (`tensor_scores.rs` has the same image scores as tensors, for
//! users of Burn that leave them on the device.)

use std::borrow::Cow;

use patchcore_config::{Grid, ImageScoreRule, PatchCoreConfig};
use patchcore_cpu::ScratchPool;
use rayon::prelude::*;

use crate::error::{DeviceError, ScoreError};
use crate::nearest_neighbor::{NearestNeighborIndex, Neighbor, squared_distance};
use crate::scoring::{AnomalyMap, MapGrower};

/// The patches of one member for one photo, as far as they have come.
#[derive(Debug, Default)]
pub(crate) struct Patches {
    pub grid: Grid,
    /// One score per cell, row-major; 0 for a cell that does not count.
    pub scores: Vec<f32>,
    /// The nearest bank row of every cell; [`Neighbor::NONE`] for one that does not count.
    pub nearest: Vec<Neighbor>,
    /// Cell and score of the worst patch: the first of equal ones in the order of the grid.
    worst: Option<(usize, f32)>,
    /// The embedding of the worst patch, where the image score needs it.
    worst_row: Vec<f32>,
    /// What one tile adds.
    part: Part,
}

#[derive(Debug, Default)]
struct Part {
    scores: Vec<f32>,
    nearest: Vec<Neighbor>,
}

/// Which cells of the grid rows belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cells<'a> {
    /// All of them, in their order.
    All,
    /// These.
    These(&'a [usize]),
}

impl Patches {
    /// Begins a photo with such a grid, no cell of which counts so far.
    pub fn begin(&mut self, grid: Grid) {
        self.grid = grid;
        self.worst = None;
        self.scores.clear();
        self.scores.resize(grid.cells(), 0.0);
        self.nearest.clear();
        self.nearest.resize(grid.cells(), Neighbor::NONE);
    }

    /// The cell with the largest patch score.
    pub fn worst_cell(&self) -> usize {
        self.worst.map_or(0, |(cell, _)| cell)
    }

    /// The largest patch score.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`] before any patch has come.
    pub fn worst_score(&self) -> Result<f32, ScoreError> {
        // A photo of which no cell counts is refused before.
        self.worst.map(|(_, score)| score).ok_or(ScoreError::NotFinite)
    }

    /// Takes the scores of `self.part`; returns which of its patches is now the worst of all, if one is.
    fn take_part(&mut self, cells: Cells<'_>) -> Result<Option<usize>, ScoreError> {
        let (at, top) = worst_patch(&self.part.scores)?;
        let here = match cells {
            Cells::All => {
                std::mem::swap(&mut self.scores, &mut self.part.scores);
                std::mem::swap(&mut self.nearest, &mut self.part.nearest);
                at
            }
            Cells::These(cells) => {
                assert_eq!(cells.len(), self.part.scores.len(), "one cell per row");
                let found = self.part.scores.iter().zip(&self.part.nearest);
                for ((score, nearest), cell) in found.zip(cells) {
                    if let (Some(to), Some(neighbor)) = (self.scores.get_mut(*cell), self.nearest.get_mut(*cell)) {
                        (*to, *neighbor) = (*score, *nearest);
                    }
                }
                cells.get(at).copied().ok_or(ScoreError::NotFinite)?
            }
        };
        // The first of equal scores in the order of the grid, whatever the order of the tiles.
        let ahead = self.worst.is_none_or(|(cell, worst)| top > worst || top == worst && here < cell);
        if ahead {
            self.worst = Some((here, top));
        }
        Ok(ahead.then_some(at))
    }
}

/// The scoring rules of a model.
#[derive(Default)]
pub(crate) struct Finish {
    neighbors: ScratchPool<Vec<Neighbor>>,
}

impl Finish {
    /// Whether a patch score needs more than the nearest row.
    pub fn needs_several_neighbors(config: &PatchCoreConfig) -> bool {
        config.image_score.is_of_means() && config.num_neighbors > 1
    }

    /// How many rows around the worst patch's nearest one the image score needs (`b` of equation 7).
    pub fn neighborhood(config: &PatchCoreConfig) -> usize {
        match config.image_score {
            ImageScoreRule::Reweighted => config.num_neighbors,
            ImageScoreRule::MaximumOfMeans | ImageScoreRule::MaximumOfMap | ImageScoreRule::MaximumOfMapOfMeans => 0,
        }
    }

    /// Scores rows `[n, dim]` of a photo against a bank and adds them to its patches.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn add_rows(
        &self,
        config: &PatchCoreConfig,
        index: &NearestNeighborIndex,
        rows: &[f32],
        cells: Cells<'_>,
        patches: &mut Patches,
    ) -> Result<(), ScoreError> {
        let dim = index.bank().dim();
        let Part { scores, nearest } = &mut patches.part;
        index.nearest_of_rows_into(rows, nearest)?;
        scores.clear();
        scores.extend(nearest.iter().map(|neighbor| distance(config, neighbor.squared_distance) as f32));
        if Self::needs_several_neighbors(config) {
            // Patch score = mean distance to the k nearest rows.
            let k = config.num_neighbors.min(index.bank().len());
            let mean = |neighbors: &[Neighbor]| {
                let sum: f64 = neighbors.iter().map(|found| distance(config, found.squared_distance)).sum();
                (sum / neighbors.len() as f64) as f32
            };
            if let Some(of_all) = index.k_nearest_of_rows(rows, k)? {
                for (score, neighbors) in scores.iter_mut().zip(of_all.chunks_exact(k)) {
                    *score = mean(neighbors);
                }
            } else {
                scores.par_iter_mut().zip(rows.par_chunks_exact(dim)).try_for_each(|(score, query)| {
                    self.neighbors.with(|neighbors| {
                        index.k_nearest_into(query, k, neighbors)?;
                        *score = mean(neighbors);
                        Ok::<_, DeviceError>(())
                    })
                })?;
            }
        }
        let worst = patches.take_part(cells)?;
        if let Some(at) = worst.filter(|_| Self::neighborhood(config) > 0) {
            patches.worst_row.clear();
            patches.worst_row.extend(rows.iter().skip(at * dim).take(dim));
        }
        Ok(())
    }

    /// Takes the nearest rows of a whole photo, found elsewhere.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`].
    pub fn add_nearest(
        config: &PatchCoreConfig,
        nearest: Vec<Neighbor>,
        patches: &mut Patches,
    ) -> Result<(), ScoreError> {
        patches.part.scores.clear();
        let scores = nearest.iter().map(|neighbor| distance(config, neighbor.squared_distance) as f32);
        patches.part.scores.extend(scores);
        patches.part.nearest = nearest;
        patches.take_part(Cells::All)?;
        Ok(())
    }

    /// The image score. `to_neighborhood`: squared distances of the worst patch to the rows nearest to its nearest row, where they
    /// have been measured already. `map`: the joint map, `inside`: its pixels that count.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn image_score(
        &self,
        config: &PatchCoreConfig,
        index: &NearestNeighborIndex,
        patches: &Patches,
        to_neighborhood: Option<&[f32]>,
        map: &AnomalyMap,
        inside: Option<&[bool]>,
    ) -> Result<f32, ScoreError> {
        let worst = patches.worst_score()?;
        match config.image_score {
            ImageScoreRule::MaximumOfMeans => Ok(worst),
            ImageScoreRule::Reweighted => {
                let squared = match to_neighborhood {
                    Some(squared) => Cow::Borrowed(squared),
                    None => Cow::Owned(self.measure_neighborhood(config, index, patches)?),
                };
                let distances = squared.iter().map(|squared| distance(config, *squared));
                Ok(reweighted_score(f64::from(worst), distances) as f32)
            }
            ImageScoreRule::MaximumOfMap | ImageScoreRule::MaximumOfMapOfMeans => largest_inside(map, inside),
        }
    }

    /// Squared distances of the worst patch to the `b` rows nearest to its nearest row, by [`squared_distance`] in f32: what equation
    /// 7 compares are these numbers and no search's.
    fn measure_neighborhood(
        &self,
        config: &PatchCoreConfig,
        index: &NearestNeighborIndex,
        patches: &Patches,
    ) -> Result<Vec<f32>, ScoreError> {
        let bank = index.bank();
        let nearest = patches.nearest.get(patches.worst_cell()).ok_or(ScoreError::NotFinite)?;
        self.neighbors.with(|neighbors| {
            index.k_nearest_into(bank.row(nearest.row as usize), config.num_neighbors, neighbors)?;
            let to_row = |found: &Neighbor| squared_distance(&patches.worst_row, bank.row(found.row as usize));
            Ok(neighbors.iter().map(to_row).collect())
        })
    }
}

/// A squared distance in the unit of the model's scores.
pub(crate) fn distance(config: &PatchCoreConfig, squared: f32) -> f64 {
    config.distance.of_squared(squared)
}

/// The map of one member: patch scores grown to the input's size.
///
/// With a region, `wanted` are the cells that count and `inside` the pixels: the map is 0 outside; inside, smoothing takes its mean
/// over the cells that count alone (`A (s · m) Bᵀ / A m Bᵀ`), so that a border of the region neither lowers nor raises it.
///
/// # Errors
/// [`DeviceError::Execution`].
pub(crate) fn grow_map(
    grower: &MapGrower,
    scores: &[f32],
    region: Option<(&[bool], &[bool])>,
    map: &mut AnomalyMap,
) -> Result<(), DeviceError> {
    grower.grow_into(scores, map)?;
    let Some((wanted, inside)) = region else { return Ok(()) };
    let counts: Vec<f32> = wanted.iter().map(|wanted| f32::from(u8::from(*wanted))).collect();
    let mut weights = AnomalyMap::default();
    grower.grow_into(&counts, &mut weights)?;
    for ((score, weight), inside) in map.scores.iter_mut().zip(&weights.scores).zip(inside) {
        // An inside pixel lies in a cell that counts: at half a cell's distance the weight is far from 0.
        *score = if *inside && *weight > f32::EPSILON { *score / *weight } else { 0.0 };
    }
    Ok(())
}

/// Adds the map of a further member, where `before` is the sum of the weights of those already in `joint`: a weighted mean, pixel by
/// pixel, in the geometry of the network's input that all members share.
pub(crate) fn join_maps(joint: &mut AnomalyMap, before: f32, map: &AnomalyMap, weight: f32) {
    assert_eq!((joint.width, joint.height), (map.width, map.height), "members share the input's geometry");
    let share = weight / (before + weight);
    for (joint, score) in joint.scores.iter_mut().zip(&map.scores) {
        *joint += share * (score - *joint);
    }
}

/// The largest value of a map among the pixels that count.
fn largest_inside(map: &AnomalyMap, inside: Option<&[bool]>) -> Result<f32, ScoreError> {
    let counts = |pixel: usize| inside.is_none_or(|inside| inside.get(pixel) == Some(&true));
    let counted = map.scores.iter().enumerate().filter(|(pixel, _)| counts(*pixel)).map(|(_, score)| *score);
    let largest = counted.fold(f32::NEG_INFINITY, |largest, score| if score <= largest { largest } else { score });
    if largest.is_finite() { Ok(largest) } else { Err(ScoreError::NotFinite) }
}

/// Cell and score of the worst patch, the lowest cell of equal ones; refuses a score that is not a number.
fn worst_patch(patch_scores: &[f32]) -> Result<(usize, f32), ScoreError> {
    let (mut worst_cell, mut worst) = (0, f32::NEG_INFINITY);
    for (cell, score) in patch_scores.iter().enumerate() {
        if !score.is_finite() {
            return Err(ScoreError::NotFinite);
        }
        if *score > worst {
            (worst_cell, worst) = (cell, *score);
        }
    }
    Ok((worst_cell, worst))
}

/// `s = (1 - exp(d*) / sum over N_b(m*) of exp(||q* - m||)) s*`.
///
/// `worst` is `s*`, the distance of the worst patch `q*` to its nearest row `m*`; `to_neighborhood` holds the
/// distances from `q*` to the `b` bank rows nearest to `m*`, `m*` itself included. The maximum is subtracted before
/// exponentiating, since distances overflow the exponential. With `b = 1` there is nothing to compare with and the
/// score is `s*`, as in anomalib.
///
/// The result lies in `[0, s*]`.
pub fn reweighted_score(worst: f64, to_neighborhood: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    if to_neighborhood.len() <= 1 {
        return worst;
    }
    let largest = to_neighborhood.clone().fold(worst, f64::max);
    let sum: f64 = to_neighborhood.map(|distance| (distance - largest).exp()).sum();
    (1.0 - (worst - largest).exp() / sum) * worst
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_neighbour_is_the_plain_maximum() {
        assert_eq!(reweighted_score(3.5, [3.5].into_iter()), 3.5);
    }

    #[test]
    fn distances_that_overflow_the_exponential_do_not_matter() {
        let score = reweighted_score(5000.0, [5000.0, 5001.0].into_iter());
        assert!((score - 5000.0 * (1.0 - 1.0 / (1.0 + 1f64.exp()))).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_weight_is_bounded(worst in 0.0f64..100.0, others in prop::collection::vec(0.0f64..50.0, 1..20)) {
            // Every neighbour is at least as far from q* as m* is.
            let mut distances = vec![worst];
            distances.extend(others.iter().map(|further| worst + further));
            let b = distances.len() as f64;
            let score = reweighted_score(worst, distances.iter().copied());
            prop_assert!(score >= 0.0 && score <= worst);
            let equal = reweighted_score(worst, distances.iter().map(|_| worst));
            prop_assert!((equal - (1.0 - 1.0 / b) * worst).abs() < 1e-9 * (1.0 + worst));
        }
    }
}
