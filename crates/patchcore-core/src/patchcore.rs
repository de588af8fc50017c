//! The fitted model: scores a photo, says where it is unlike the good ones, and can be written to a file.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::device::ComputeDevice;
use crate::error::{DeviceError, FitError, ScoreError};
use crate::extractor::{Extractor, ImageInput};
use crate::memory_bank::MemoryBank;
use crate::nearest_neighbor::{NearestNeighborIndex, Neighbor};
use crate::passport::{Drift, ScorePassport};
use crate::scoring::{AnomalyMap, MapGrower, reweighted_score};
use patchcore_config::{BackboneWeights, Grid, ImageScoreRule, PatchCoreConfig};
use patchcore_cpu::ScratchPool;

/// A fitted PatchCore. `Send + Sync`; scoring takes `&self`.
#[derive(Clone)]
pub struct PatchCore {
    extractor: Extractor,
    index: NearestNeighborIndex,
    fitted_on: FittedOn,
    passport: Option<ScorePassport>,
    drift: Option<Drift>,
    /// The map's matrices for the size seen last: one camera gives one size.
    grower: Arc<Mutex<Option<Arc<MapGrower>>>>,
    neighbors: Arc<ScratchPool<Vec<Neighbor>>>,
}

/// What a model was fitted on.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FittedOn {
    /// Number of photos.
    pub images: usize,
    /// Number of patches of all photos, of which the bank keeps some.
    pub patches: usize,
    /// How far good patches are from good patches.
    pub good_scores: GoodScores,
}

/// Patch scores of good patches against the bank rows of the *other* training photos, from an even sample of 256: the
/// scale of what is normal, for colours. No threshold: few patches, and a model that has seen their photos.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GoodScores {
    /// Half of the good patches score below, in the unit of the mode's distance.
    pub median: f32,
    /// 99 of 100 good patches score below.
    pub percentile_99: f32,
}

/// How anomalous one photo is, and where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageScore {
    /// The image score, in the unit of the mode's distance (L2, or squared L2 in mode `authors`); higher is worse.
    pub score: f32,
    /// The patch grid.
    pub grid: Grid,
    /// One score per grid cell, row-major.
    pub patch_scores: Vec<f32>,
    /// The nearest bank row of every cell.
    pub nearest: Vec<Neighbor>,
    /// The cell with the largest distance.
    pub worst_cell: usize,
    /// One score per pixel of the network's input.
    pub map: AnomalyMap,
}

impl std::fmt::Debug for PatchCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("PatchCore");
        fields.field("config", self.config()).field("fitted_on", &self.fitted_on).finish_non_exhaustive()
    }
}

impl PatchCore {
    /// # Errors
    /// [`DeviceError`] where the device cannot take the bank.
    pub(crate) fn new(extractor: Extractor, bank: MemoryBank, fitted_on: FittedOn) -> Result<Self, DeviceError> {
        assert_eq!(bank.dtype(), extractor.config().bank_dtype, "the bank is kept as the settings say");
        let index = NearestNeighborIndex::new(bank, extractor.device())?;
        Ok(Self {
            extractor,
            index,
            fitted_on,
            passport: None,
            drift: None,
            grower: Arc::default(),
            neighbors: Arc::default(),
        })
    }

    /// A model over a bank that comes from elsewhere, `[rows, embedding dim]` row-major: a bank of another PatchCore,
    /// or one thinned by other means. Its rows have no origins.
    ///
    /// # Errors
    /// [`FitError::Config`], [`FitError::Backbone`], [`FitError::TooFewRows`], and [`FitError::Bank`] when the
    /// values are not finite or not whole rows.
    pub fn with_bank(
        config: PatchCoreConfig,
        weights: &BackboneWeights,
        rows: Vec<f32>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        let extractor = Extractor::new(config, weights, device)?;
        let dim = extractor.dim();
        let bank = MemoryBank::from_rows(dim, rows)?.with_dtype(extractor.config().bank_dtype)?;
        let count = bank.len();
        let num_neighbors = extractor.config().num_neighbors;
        if num_neighbors > count {
            return Err(FitError::TooFewRows { num_neighbors, rows: count });
        }
        let good_scores = GoodScores { median: 0.0, percentile_99: 0.0 };
        Ok(Self::new(extractor, bank, FittedOn { images: 0, patches: 0, good_scores })?)
    }

    /// The settings of the fit.
    pub fn config(&self) -> &PatchCoreConfig {
        self.extractor.config()
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        self.extractor.device()
    }

    /// Digest of the weights it was fitted with.
    pub fn weights_sha256(&self) -> &str {
        self.extractor.weights_sha256()
    }

    /// The memory bank.
    pub fn bank(&self) -> &MemoryBank {
        self.index.bank()
    }

    /// What it was fitted on.
    pub fn fitted_on(&self) -> FittedOn {
        self.fitted_on
    }

    /// What the device of the fit computed for a few pictures; `None` for a model without a passport (files of format
    /// version 1, [`PatchCore::with_bank`]).
    pub fn passport(&self) -> Option<&ScorePassport> {
        self.passport.as_ref()
    }

    /// How far this device's results lie from the passport; `None` unless the model was loaded with one.
    pub fn drift(&self) -> Option<Drift> {
        self.drift
    }

    pub(crate) fn with_passport(mut self, passport: ScorePassport, drift: Option<Drift>) -> Self {
        (self.passport, self.drift) = (Some(passport), drift);
        self
    }

    /// The bank, ready for queries.
    pub fn index(&self) -> &NearestNeighborIndex {
        &self.index
    }

    /// The frozen part.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Scores one photo.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn score(&self, image: ImageInput<'_>) -> Result<ImageScore, ScoreError> {
        let mut result = ImageScore::default();
        self.score_into(image, &mut result)?;
        Ok(result)
    }

    /// [`PatchCore::score`], written over an earlier result: on the CPU a stream of photos of one size then allocates
    /// nothing but the packing buffers of the crate `gemm`, at most twelve for 64 patches that the search turns.
    ///
    /// # Errors
    /// [`ScoreError`]; what `result` holds is then of no use.
    pub fn score_into(&self, image: ImageInput<'_>, result: &mut ImageScore) -> Result<(), ScoreError> {
        if self.device().is_cpu() {
            let scored = self.extractor.with_embedding(image, |rows, grid| {
                self.index.nearest_of_rows_into(rows, &mut result.nearest)?;
                self.score_patches(rows, grid, result)
            });
            scored??;
        } else {
            #[cfg(feature = "burn")]
            if let Some(scored) = self.score_on_device(&[image])?.and_then(|mut scored| scored.pop()) {
                *result = scored;
                return Ok(());
            }
            // Several neighbours per patch: the rows are needed on the host.
            let (rows, grid) = self.extractor.embed_to_host(image)?;
            self.index.nearest_of_rows_into(&rows, &mut result.nearest)?;
            self.score_patches(&rows, grid, result)?;
        }
        let grower = self.grower(result.grid, (image.height, image.width))?;
        Ok(grower.grow_into(&result.patch_scores, self.device(), &mut result.map)?)
    }

    /// Patch scores and image score from the embedding rows and `result.nearest`.
    pub(crate) fn score_patches(&self, rows: &[f32], grid: Grid, result: &mut ImageScore) -> Result<(), ScoreError> {
        let k = self.config().num_neighbors;
        let rule = self.config().mode.image_score();
        let dim = self.bank().dim();
        let query = |cell: usize| rows.get(cell * dim..(cell + 1) * dim).unwrap_or(&[]);
        let ImageScore { nearest, patch_scores, .. } = result;
        patch_scores.clear();
        patch_scores.extend(nearest.iter().map(|neighbor| self.distance(neighbor.squared_distance) as f32));
        if rule == ImageScoreRule::MaximumOfMeans && k > 1 {
            patch_scores.par_iter_mut().enumerate().for_each(|(cell, score)| {
                self.neighbors.with(|neighbors| {
                    self.index.k_nearest_into(query(cell), k, neighbors);
                    let sum: f64 = neighbors.iter().map(|neighbor| self.distance(neighbor.squared_distance)).sum();
                    *score = (sum / neighbors.len() as f64) as f32;
                });
            });
        }
        let (worst_cell, worst) = worst_patch(patch_scores)?;
        let score = match (rule, nearest.get(worst_cell)) {
            (ImageScoreRule::Reweighted, Some(row)) => self.reweight(query(worst_cell), f64::from(worst), *row) as f32,
            _ => worst,
        };
        (result.score, result.grid, result.worst_cell) = (score, grid, worst_cell);
        Ok(())
    }

    /// Equation 7 for the worst patch.
    fn reweight(&self, query: &[f32], worst: f64, nearest: Neighbor) -> f64 {
        let bank = self.bank();
        self.neighbors.with(|neighbors| {
            self.index.k_nearest_into(bank.row(nearest.row as usize), self.config().num_neighbors, neighbors);
            let to_neighborhood = neighbors.iter().map(|neighbor| {
                let row = bank.row(neighbor.row as usize);
                self.distance(crate::nearest_neighbor::squared_distance(query, row))
            });
            reweighted_score(worst, to_neighborhood)
        })
    }

    pub(crate) fn distance(&self, squared: f32) -> f64 {
        self.config().mode.distance().of_squared(squared)
    }

    pub(crate) fn grower(&self, grid: Grid, size: (usize, usize)) -> Result<Arc<MapGrower>, DeviceError> {
        // A poisoned lock only means that another thread panicked while it replaced the cache.
        let mut cached = self.grower.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(grower) = cached.as_ref().filter(|grower| grower.fits(grid, size)) {
            return Ok(Arc::clone(grower));
        }
        let mode = self.config().mode;
        let grower = Arc::new(MapGrower::new(grid, size, mode.upsampling(), mode.border(), self.device())?);
        *cached = Some(Arc::clone(&grower));
        Ok(grower)
    }
}

/// Cell and score of the worst patch, the lowest cell of equal ones; refuses a score that is not a number.
pub(crate) fn worst_patch(patch_scores: &[f32]) -> Result<(usize, f32), ScoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_model_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<PatchCore>();
    }
}
