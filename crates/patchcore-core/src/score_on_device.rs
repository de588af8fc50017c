//! Scores of photos of one size on a device: one upload, everything on the device, one read-back; or, for users of Burn, tensors
//! in and tensors out.
//!
//! The photos' rows, their nearest bank rows, the neighbours of eq. 7 and the maps are computed without the host looking at
//! anything in between; a single transaction brings back what [`ImageScore`] holds. Only the image score's last sum is then
//! done on the host, in f64, as on the CPU; [`PatchCore::score_tensors`] does it on the device, in f32.

use burn::tensor::{DType, DataError, Int, Tensor, TensorData, Transaction};

use crate::device::guarded;
use crate::error::{DeviceError, InputError, ScoreError};
use crate::extractor::ImageInput;
use crate::nearest_neighbor::{DeviceBank, Neighbor};
use crate::patchcore::{ImageScore, PatchCore, worst_patch};
use crate::scoring::{AnomalyMap, reweighted_score};
use patchcore_config::{Distance, Grid, INPUT_SIDES, ImageScoreRule};

/// Above so many neighbours the image score is left to the host: each one is a pass over the bank.
const MOST_NEIGHBORS: usize = 64;
/// What an error of the device says was being done.
const OPERATION: &str = "scoring";

/// Scores as tensors: see [`PatchCore::score_tensors`].
#[derive(Debug, Clone)]
pub struct TensorScores {
    /// Image scores `[n]`, in the unit of the model's distance.
    pub scores: Tensor<1>,
    /// Anomaly maps `[n, 1, height, width]`.
    pub maps: Tensor<4>,
}

/// What is computed for a batch, on the device.
struct OnDevice {
    /// Nearest bank rows `[n x cells]`.
    rows: Tensor<1, Int>,
    /// Their squared distances `[n x cells]`.
    squared: Tensor<1>,
    /// Patch scores `[n, cells]`, in the unit of the model's distance.
    patch_scores: Tensor<2>,
    /// `[n, height, width]`.
    maps: Tensor<3>,
    /// Squared distances of the worst patch to the neighbourhood of its nearest row `[n, k]` (eq. 7).
    neighborhood: Option<Tensor<2>>,
}

impl PatchCore {
    /// Scores images that are tensors on the model's device, and leaves the scores there: nothing is copied to the host, and
    /// nothing is waited for.
    ///
    /// Images are what [`ImageInput`] holds for [`PatchCore::score`]: resized and cropped, not yet normalised. Values are not looked
    /// at: a value that is not a number makes its image's score one that is none. The host scores image by image, and the result is
    /// uploaded, for models in tiles, for rules that need several neighbours of every patch, and on the device `flex`, where the
    /// CPU's own kernels compute.
    ///
    /// # Shapes
    /// - `images`: `[n, 3, height, width]`, or `[n, 1, height, width]` of grey images; red, green, blue in `[0, 1]`, of any float
    ///   type
    /// - result: scores `[n]`, maps `[n, 1, height, width]`
    ///
    /// # Errors
    /// [`InputError::WrongTensor`], [`InputError::OtherDevice`], and [`DeviceError`]; also [`DeviceError::NoTensors`] for a model
    /// on the device `cpu`. Most backends compute later: an error may come with the first read of the result.
    pub fn score_tensors(&self, images: Tensor<4>) -> Result<TensorScores, ScoreError> {
        let shape @ [n, channels, height, width] = images.dims();
        let sides = INPUT_SIDES.contains(&height) && INPUT_SIDES.contains(&width);
        if n == 0 || !matches!(channels, 1 | 3) || !sides {
            let (smallest, largest) = (*INPUT_SIDES.start(), *INPUT_SIDES.end());
            return Err(InputError::WrongTensor { found: shape, smallest, largest }.into());
        }
        let device = self.device().burn()?;
        if images.device() != *device {
            let found = format!("{:?}", images.device());
            return Err(InputError::OtherDevice { found, expected: self.device().name() }.into());
        }
        let on_device = self.bank_on_device().filter(|_| self.config().tiling.is_whole());
        let Some((bank, neighbors)) = on_device else { return self.score_tensors_on_host(images) };
        guarded(self.device(), OPERATION, || {
            let embedded = self.extractor().embed_tensor(images.cast(DType::F32));
            let (queries, grid) = embedded.ok_or_else(|| self.device().failed(OPERATION, "no feature map"))?;
            let found = self.compute_on_device(bank, queries, n, grid, (height, width), neighbors)?;
            let worst = found.patch_scores.max_dim(1);
            let scores = match found.neighborhood {
                Some(squared) if neighbors > 1 => reweighted(worst, self.distances(squared)),
                _ => worst,
            };
            Ok(TensorScores { scores: scores.reshape([n]), maps: found.maps.reshape([n, 1, height, width]) })
        })
    }

    fn score_tensors_on_host(&self, images: Tensor<4>) -> Result<TensorScores, ScoreError> {
        let [n, channels, height, width] = images.dims();
        let failed = |error| self.device().failed(OPERATION, error);
        let pixels = images.try_into_vec_as::<f32>().map_err(failed)?;
        let (mut scores, mut maps) = (Vec::with_capacity(n), Vec::with_capacity(n * height * width));
        for pixels in pixels.chunks_exact(channels * height * width) {
            let scored = self.score_within(ImageInput { width, height, pixels }, None)?;
            scores.push(scored.score);
            maps.extend(scored.map.scores);
        }
        let device = self.device();
        Ok(TensorScores { scores: device.tensor(scores, [n])?, maps: device.tensor(maps, [n, 1, height, width])? })
    }

    /// The bank and how many neighbours of it eq. 7 needs, where the device computes the whole score: not on the CPU, and not
    /// with a rule that needs several neighbours of every patch.
    fn bank_on_device(&self) -> Option<(&DeviceBank, usize)> {
        let (rule, k) = (self.config().image_score, self.config().num_neighbors);
        let on_host = match rule {
            ImageScoreRule::MaximumOfMeans => k > 1,
            ImageScoreRule::Reweighted => k > MOST_NEIGHBORS,
            ImageScoreRule::MaximumOfMap => true,
        };
        let bank = self.index().on_device().filter(|_| !on_host)?;
        Some((bank, if rule == ImageScoreRule::Reweighted { k } else { 0 }))
    }

    /// Photos of one size on the device; `None` where the host works them out.
    pub(crate) fn score_on_device(&self, images: &[ImageInput<'_>]) -> Result<Option<Vec<ImageScore>>, ScoreError> {
        let (Some((bank, neighbors)), Some(first)) = (self.bank_on_device(), images.first()) else { return Ok(None) };
        let size = (first.height, first.width);
        let (queries, grid) = self.extractor().embed_batch(images)?;
        let read = guarded(self.device(), OPERATION, || {
            self.compute_on_device(bank, queries, images.len(), grid, size, neighbors)?.read().map_err(|error| {
                let failed: DeviceError = self.device().failed(OPERATION, error);
                failed
            })
        })?;
        let scores = (0..images.len()).map(|image| self.image_score(&read, image, images.len(), grid, size));
        scores.collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// Everything that a score is made of. `queries`: `[images x cells, dim]`.
    fn compute_on_device(
        &self,
        bank: &DeviceBank,
        queries: Tensor<2>,
        images: usize,
        grid: Grid,
        size: (usize, usize),
        neighbors: usize,
    ) -> Result<OnDevice, DeviceError> {
        let cells = grid.cells();
        let (rows, squared) = bank.nearest_on_device(queries.clone());
        let by_image = squared.clone().reshape([images, cells]);
        let patch_scores = self.distances(by_image.clone());
        let maps = self.grower(grid, size)?;
        let maps = maps.grow_on_device(patch_scores.clone().reshape([images, grid.rows, grid.columns]));
        let maps = maps.ok_or_else(|| self.device().failed(OPERATION, "the map's matrices are not on the device"))?;
        let neighborhood = (neighbors > 0).then(|| {
            let worst: Tensor<1, Int> = by_image.argmax(1).reshape([images]);
            let starts = Tensor::<1, Int>::arange(0..images as i64, &queries.device()) * cells as i32;
            let worst = worst + starts;
            let nearest = rows.clone().select(0, worst.clone());
            bank.to_neighborhood(queries.select(0, worst), nearest, neighbors)
        });
        Ok(OnDevice { rows, squared, patch_scores, maps, neighborhood })
    }

    /// Squared distances in the unit of the model's distance.
    fn distances<const D: usize>(&self, squared: Tensor<D>) -> Tensor<D> {
        match self.config().distance {
            Distance::L2 => squared.sqrt(),
            Distance::SquaredL2 => squared,
        }
    }

    fn image_score(
        &self,
        read: &ReadBack,
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
        let score = match &read.neighborhood {
            None => worst,
            Some(squared) => {
                let to_neighborhood = part(squared);
                reweighted_score(f64::from(worst), to_neighborhood.iter().map(|squared| self.distance(*squared))) as f32
            }
        };
        let map = AnomalyMap { width, height, scores: part(&read.maps) };
        Ok(ImageScore { score, grid, patch_scores, nearest, worst_cell, map })
    }
}

/// [`reweighted_score`] of a batch, on the device.
///
/// # Shapes
/// - `worst`: `[n, 1]`; `to_neighborhood`: `[n, k]`, distances
/// - result: `[n, 1]`
fn reweighted(worst: Tensor<2>, to_neighborhood: Tensor<2>) -> Tensor<2> {
    let largest = to_neighborhood.clone().max_dim(1).max_pair(worst.clone());
    let sum = (to_neighborhood - largest.clone()).exp().sum_dim(1);
    (((worst.clone() - largest).exp() / sum) * -1.0 + 1.0) * worst
}

/// What a transaction brought back, images one after the other.
struct ReadBack {
    rows: Vec<i32>,
    squared: Vec<f32>,
    maps: Vec<f32>,
    neighborhood: Option<Vec<f32>>,
}

impl OnDevice {
    /// One transaction for everything.
    fn read(self) -> Result<ReadBack, String> {
        let mut transaction = Transaction::default().register(self.rows).register(self.squared).register(self.maps);
        let has_neighborhood = self.neighborhood.is_some();
        if let Some(neighborhood) = self.neighborhood {
            transaction = transaction.register(neighborhood);
        }
        let mut data = transaction.try_execute().map_err(|error| error.to_string())?.into_iter();
        let mut next = || data.next().ok_or_else(|| "an answer is missing".to_owned());
        let values = |data: TensorData| data.convert::<f32>().try_into_vec::<f32>();
        let failed = |error: DataError| error.to_string();
        let rows = next()?.convert::<i32>().try_into_vec::<i32>().map_err(failed)?;
        let squared = values(next()?).map_err(failed)?;
        let maps = values(next()?).map_err(failed)?;
        let neighborhood = has_neighborhood.then(|| values(next()?).map_err(failed)).transpose()?;
        Ok(ReadBack { rows, squared, maps, neighborhood })
    }
}
