//! The fitted model: scores a photo, says where it is unlike the good ones, and can be written to a file.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::backbone::BackboneWeights;
use crate::config::PatchCoreConfig;
use crate::device::ComputeDevice;
use crate::error::{FitError, ScoreError};
use crate::extractor::{Extractor, ImageInput};
use crate::memory_bank::MemoryBank;
use crate::mode::ImageScoreRule;
use crate::nearest_neighbor::{NearestNeighborIndex, Neighbor};
use crate::patch_embedding::Grid;
use crate::scoring::{AnomalyMap, MapGrower, reweighted_score};

/// A fitted PatchCore. `Send + Sync`; scoring takes `&self`.
#[derive(Debug, Clone)]
pub struct PatchCore {
    extractor: Extractor,
    index: NearestNeighborIndex,
    fitted_on: FittedOn,
    /// The map's matrices for the size seen last: one camera gives one size.
    grower: Arc<Mutex<Option<Arc<MapGrower>>>>,
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
#[derive(Debug, Clone, PartialEq)]
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

impl PatchCore {
    pub(crate) fn new(extractor: Extractor, bank: MemoryBank, fitted_on: FittedOn) -> Self {
        let index = NearestNeighborIndex::new(bank, extractor.device());
        Self { extractor, index, fitted_on, grower: Arc::default() }
    }

    /// A model over a bank that comes from elsewhere, `[rows, embedding dim]` row-major: a bank of another PatchCore,
    /// or one thinned by other means. Its rows have no origins.
    ///
    /// # Errors
    /// [`FitError::Config`], [`FitError::Backbone`], [`FitError::TooFewRows`], and [`FitError::WrongBank`] when the
    /// values are not finite or not whole rows.
    pub fn with_bank(
        config: PatchCoreConfig,
        weights: &BackboneWeights,
        rows: Vec<f32>,
        device: &ComputeDevice,
    ) -> Result<Self, FitError> {
        let extractor = Extractor::new(config, weights, device)?;
        let dim = extractor.dim();
        let found = rows.len();
        let finite = rows.iter().all(|value| value.is_finite());
        let bank = MemoryBank::from_rows(dim, rows).filter(|_| finite).ok_or(FitError::WrongBank { found, dim })?;
        let count = bank.len();
        let num_neighbors = extractor.config().num_neighbors;
        if num_neighbors > count {
            return Err(FitError::TooFewRows { num_neighbors, rows: count });
        }
        let good_scores = GoodScores { median: 0.0, percentile_99: 0.0 };
        Ok(Self::new(extractor, bank, FittedOn { images: 0, patches: 0, good_scores }))
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

    /// The frozen part.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Scores one photo.
    ///
    /// # Errors
    /// [`ScoreError`].
    pub fn score(&self, image: ImageInput<'_>) -> Result<ImageScore, ScoreError> {
        let device = self.device();
        let k = self.config().num_neighbors;
        let rule = self.config().mode.image_score();
        // The worst patch is asked about again: its own vector is needed on the host.
        let (host_rows, grid, nearest) = if device.is_cpu() {
            let (rows, grid) = self.extractor.embed_to_host(image)?;
            let nearest = self.index.nearest_of_rows(&rows)?;
            (rows, grid, nearest)
        } else {
            let (queries, grid) = self.extractor.embed(image)?;
            let rows = queries.clone().try_into_vec_as::<f32>();
            let rows = rows.map_err(|error| device.failed("feature extraction", error))?;
            (rows, grid, self.index.nearest(queries)?)
        };
        let query = |cell: usize| {
            let dim = self.bank().dim();
            host_rows.get(cell * dim..(cell + 1) * dim).unwrap_or(&[])
        };
        let patch_scores: Vec<f32> = match rule {
            ImageScoreRule::MaximumOfMeans if k > 1 => (0..nearest.len())
                .into_par_iter()
                .map(|cell| {
                    let neighbors = self.index.k_nearest(query(cell), k);
                    let sum: f64 = neighbors.iter().map(|neighbor| self.distance(neighbor.squared_distance)).sum();
                    (sum / neighbors.len() as f64) as f32
                })
                .collect(),
            _ => nearest.iter().map(|neighbor| self.distance(neighbor.squared_distance) as f32).collect(),
        };
        let mut worst_cell = 0;
        let mut worst = f32::NEG_INFINITY;
        for (cell, score) in patch_scores.iter().enumerate() {
            if !score.is_finite() {
                return Err(ScoreError::NotFinite);
            }
            if *score > worst {
                (worst_cell, worst) = (cell, *score);
            }
        }
        let score = match (rule, nearest.get(worst_cell)) {
            (ImageScoreRule::Reweighted, Some(row)) => self.reweight(query(worst_cell), f64::from(worst), *row) as f32,
            _ => worst,
        };
        let map = self.grower(grid, (image.height, image.width)).grow(&patch_scores, device)?;
        Ok(ImageScore { score, grid, patch_scores, nearest, worst_cell, map })
    }

    /// Equation 7 for the worst patch.
    fn reweight(&self, query: &[f32], worst: f64, nearest: Neighbor) -> f64 {
        let bank = self.bank();
        let neighborhood = self.index.k_nearest(bank.row(nearest.row as usize), self.config().num_neighbors);
        let distances: Vec<f64> = neighborhood
            .iter()
            .map(|neighbor| {
                let row = bank.row(neighbor.row as usize);
                self.distance(crate::nearest_neighbor::squared_distance(query, row))
            })
            .collect();
        reweighted_score(worst, &distances)
    }

    fn distance(&self, squared: f32) -> f64 {
        self.config().mode.distance().of_squared(squared)
    }

    fn grower(&self, grid: Grid, size: (usize, usize)) -> Arc<MapGrower> {
        // A poisoned lock only means that another thread panicked while it replaced the cache.
        let mut cached = self.grower.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(grower) = cached.as_ref().filter(|grower| grower.fits(grid, size)) {
            return Arc::clone(grower);
        }
        let mode = self.config().mode;
        let grower = Arc::new(MapGrower::new(grid, size, mode.upsampling(), mode.border(), self.device()));
        *cached = Some(Arc::clone(&grower));
        grower
    }
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
