//! Several photos scored at once on a device: one upload, everything on the device, one read-back.
//!
//! The photos' rows, their nearest bank rows, the neighbours of eq. 7 and the maps are computed without the host
//! looking at anything in between; a single transaction brings back what [`ImageScore`] holds. Only the image score's
//! last sum is done on the host, in f64, as on the CPU.

use burn::tensor::{DataError, Int, Tensor, TensorData, Transaction};

use crate::device::guarded;
use crate::error::ScoreError;
use crate::extractor::ImageInput;
use crate::nearest_neighbor::{DeviceBank, Neighbor};
use crate::patchcore::{ImageScore, PatchCore, worst_patch};
use crate::scoring::{AnomalyMap, reweighted_score};
use patchcore_config::{Distance, Grid, ImageScoreRule};

/// Above so many neighbours the image score is left to the host: each one is a pass over the bank.
const MOST_NEIGHBORS: usize = 64;
/// What an error of the device says was being done.
const OPERATION: &str = "scoring";

impl PatchCore {
    /// How many photos of such a size this model should be given at once: as many as fit in the device's budget
    /// ([`DeviceProperties::batch_budget`](crate::device::DeviceProperties::batch_budget)) beside the bank, at most
    /// 32; 1 on the CPU, whose own bodies take one photo at a time.
    pub fn batch_size(&self, height: usize, width: usize) -> usize {
        self.extractor().batch_size(height, width, self.bank().rows().len() as u64 * 8)
    }

    /// Scores photos, in order. Neighbours of one size go through the device together, as many as
    /// [`PatchCore::batch_size`] allows; on the CPU they go one by one.
    ///
    /// On a GPU a score may differ by rounding between batch sizes, because matrix products of other shapes are summed
    /// in another order; on the CPU it does not.
    ///
    /// # Errors
    /// [`ScoreError`], for the first photo at fault.
    pub fn score_batch(&self, images: &[ImageInput<'_>]) -> Result<Vec<ImageScore>, ScoreError> {
        let mut scores = Vec::with_capacity(images.len());
        for same_size in images.chunk_by(|a, b| (a.height, a.width) == (b.height, b.width)) {
            let size = same_size.first().map_or(1, |image| self.batch_size(image.height, image.width));
            for batch in same_size.chunks(size) {
                let scored = if self.device().is_cpu() { Vec::new() } else { self.score_on_device(batch)? };
                if scored.len() == batch.len() {
                    scores.extend(scored);
                } else {
                    for image in batch {
                        scores.push(self.score(*image)?);
                    }
                }
            }
        }
        Ok(scores)
    }

    /// Photos of one size on the device. Empty for a rule that needs several neighbours of every patch, which the host
    /// works out.
    pub(crate) fn score_on_device(&self, images: &[ImageInput<'_>]) -> Result<Vec<ImageScore>, ScoreError> {
        let (rule, k) = (self.config().mode.image_score(), self.config().num_neighbors);
        let several = rule == ImageScoreRule::MaximumOfMeans && k > 1;
        let (Some(bank), Some(first)) = (self.index().on_device(), images.first()) else { return Ok(Vec::new()) };
        if several || k > MOST_NEIGHBORS {
            return Ok(Vec::new());
        }
        let size = (first.height, first.width);
        let (queries, grid) = self.extractor().embed_batch(images)?;
        let read = guarded(self.device(), OPERATION, || {
            let neighbors = if rule == ImageScoreRule::Reweighted { k } else { 0 };
            let asked = self.ask_device(bank, queries, images.len(), grid, size, neighbors);
            let failed = |error| self.device().failed(OPERATION, error);
            let data = asked.try_execute().map_err(|error| failed(error.to_string()))?;
            Answer::from_data(data).map_err(|error| failed(error.to_string()))
        })?;
        (0..images.len()).map(|image| self.image_score(&read, image, images.len(), grid, size)).collect()
    }

    /// Everything that is to be read, as one transaction.
    fn ask_device(
        &self,
        bank: &DeviceBank,
        queries: Tensor<2>,
        images: usize,
        grid: Grid,
        size: (usize, usize),
        neighbors: usize,
    ) -> Transaction {
        let cells = grid.cells();
        let (rows, squared) = bank.nearest_on_device(queries.clone());
        let by_image = squared.clone().reshape([images, cells]);
        let distances = match self.config().mode.distance() {
            Distance::L2 => by_image.clone().sqrt(),
            Distance::SquaredL2 => by_image.clone(),
        };
        let grower = self.grower(grid, size);
        let maps = grower.grow_on_device(distances.reshape([images, grid.rows, grid.columns]));
        let mut asked = Transaction::default().register(rows.clone()).register(squared);
        if let Some(maps) = maps {
            asked = asked.register(maps);
        }
        if neighbors > 0 {
            let worst: Tensor<1, Int> = by_image.argmax(1).reshape([images]);
            let starts = Tensor::<1, Int>::arange(0..images as i64, self.device().burn()) * cells as i32;
            let worst = worst + starts;
            let nearest = rows.select(0, worst.clone());
            asked = asked.register(bank.to_neighborhood(queries.select(0, worst), nearest, neighbors));
        }
        asked
    }

    fn image_score(
        &self,
        read: &Answer,
        image: usize,
        images: usize,
        grid: Grid,
        (height, width): (usize, usize),
    ) -> Result<ImageScore, ScoreError> {
        let cells = grid.cells();
        let part = |values: &[f32]| {
            let length = values.len() / images.max(1);
            values.get(image * length..(image + 1) * length).map(<[f32]>::to_vec).unwrap_or_default()
        };
        let squared = part(&read.squared);
        let rows = read.rows.get(image * cells..(image + 1) * cells).unwrap_or_default();
        let nearest: Vec<Neighbor> = rows
            .iter()
            .zip(&squared)
            .map(|(row, squared)| Neighbor { row: *row as u32, squared_distance: *squared })
            .collect();
        let patch_scores: Vec<f32> = squared.iter().map(|squared| self.distance(*squared) as f32).collect();
        let (worst_cell, worst) = worst_patch(&patch_scores)?;
        let neighborhood = part(&read.neighborhood);
        let score = if neighborhood.is_empty() {
            worst
        } else {
            reweighted_score(f64::from(worst), neighborhood.iter().map(|squared| self.distance(*squared))) as f32
        };
        let map = AnomalyMap { width, height, scores: part(&read.maps) };
        Ok(ImageScore { score, grid, patch_scores, nearest, worst_cell, map })
    }
}

/// What a transaction brought back, image by image.
struct Answer {
    rows: Vec<i32>,
    squared: Vec<f32>,
    maps: Vec<f32>,
    neighborhood: Vec<f32>,
}

impl Answer {
    fn from_data(data: Vec<TensorData>) -> Result<Self, DataError> {
        let mut data = data.into_iter();
        let rows = data.next().map(|data| data.convert::<i32>().try_into_vec::<i32>()).transpose()?;
        let mut values = data.map(|data| data.convert::<f32>().try_into_vec::<f32>());
        let mut next = || values.next().transpose().map(Option::unwrap_or_default);
        Ok(Self { rows: rows.unwrap_or_default(), squared: next()?, maps: next()?, neighborhood: next()? })
    }
}
