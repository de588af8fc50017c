//! Scores as tensors, for users of Burn: images on the model's device in, scores and maps left there.
//!
//! The image scores are those of `finish.rs` as tensor operations, in f32 (equation 7 there: on the host, in f64). A rule that has
//! none is left to the host.

use std::any::Any;

use burn::tensor::{DType, Tensor};
use patchcore_config::{INPUT_SIDES, ImageScoreRule};

use crate::device::guarded;
use crate::engine::{MOST_NEIGHBORS, OnDevice, TensorFeatures, TensorGrower, TensorIndex, in_unit};
use crate::error::{DeviceError, InputError, ScoreError};
use crate::finish::Finish;
use crate::image_input::ImageInput;
use crate::patchcore::PatchCore;

/// What an error of the device says was being done.
const OPERATION: &str = "scoring";

/// Scores as tensors: see [`PatchCore::score_tensors`].
#[derive(Debug, Clone)]
pub struct TensorScores {
    /// Image scores `[n]`, in the unit of the configuration's distance.
    pub scores: Tensor<1>,
    /// Anomaly maps `[n, 1, height, width]`.
    pub maps: Tensor<4>,
}

impl PatchCore {
    /// Scores images that are tensors on the model's device, and leaves the scores there: nothing is copied to the host, and
    /// nothing is waited for.
    ///
    /// Images are what [`ImageInput`] holds for [`PatchCore::score`]: resized and cropped, not yet normalised. Values are not looked
    /// at: a value that is not a number makes its image's score one that is none. The host scores image by image, and the result is
    /// uploaded, for models in tiles or of several members, for rules that need several neighbours of every patch, for an
    /// application's own network, and on the device `flex`, where the CPU's own kernels compute.
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
        match guarded(self.device(), OPERATION, || self.score_on_device(images.clone()))? {
            Some(scored) => Ok(scored),
            None => self.score_tensors_on_host(images),
        }
    }

    /// `None` where the host computes.
    fn score_on_device(&self, images: Tensor<4>) -> Result<Option<TensorScores>, ScoreError> {
        let (config, [n, _, height, width]) = (self.config(), images.dims());
        let neighbors = Finish::neighborhood(config);
        let rule = config.image_score;
        let on_device = matches!(rule, ImageScoreRule::MaximumOfMeans | ImageScoreRule::Reweighted)
            && config.tiling.is_whole()
            && !Finish::needs_several_neighbors(config)
            && neighbors <= MOST_NEIGHBORS;
        let (true, Some(features), [member]) = (on_device, self.extractor().only_features(), self.members()) else {
            return Ok(None);
        };
        self.extractor().check_sides(height, width)?;
        let features = (features as &dyn Any).downcast_ref::<TensorFeatures>();
        let index = (member.index().on_engine() as &dyn Any).downcast_ref::<TensorIndex>();
        let (Some(features), Some(index)) = (features, index) else { return Ok(None) };
        let Some(embedded) = features.rows_of_tensor(images.cast(DType::F32))? else { return Ok(None) };
        let Some((queries, grid)) = embedded.into_iter().next() else { return Ok(None) };
        let grower = member.grower(grid, (height, width), config, self.extractor().engine())?;
        let Some(grower) = (grower.on_engine() as &dyn Any).downcast_ref::<TensorGrower>() else { return Ok(None) };
        let found = OnDevice::compute(index.on_device(), grower, queries, n, grid, config.distance, neighbors);
        let worst = found.patch_scores.max_dim(1);
        let scores = match found.neighborhood {
            Some(around) if neighbors > 1 => {
                // The rows found beyond those that equation 7 asks for are for the host.
                let [_, found] = around.squared.dims();
                let squared = around.squared.slice([0..n, 0..neighbors.min(found)]);
                reweighted(worst, in_unit(config.distance, squared))
            }
            _ => worst,
        };
        Ok(Some(TensorScores { scores: scores.reshape([n]), maps: found.maps.reshape([n, 1, height, width]) }))
    }

    fn score_tensors_on_host(&self, images: Tensor<4>) -> Result<TensorScores, ScoreError> {
        let [n, channels, height, width] = images.dims();
        let failed = |error| self.device().failed(OPERATION, error);
        let pixels = images.try_into_vec_as::<f32>().map_err(failed)?;
        let (mut scores, mut maps) = (Vec::with_capacity(n), Vec::with_capacity(n * height * width));
        for pixels in pixels.chunks_exact(channels * height * width) {
            let scored = self.score(ImageInput { width, height, pixels })?;
            scores.push(scored.score);
            maps.extend(scored.map.scores);
        }
        let device = self.device();
        let upload = || {
            let (scores, maps) = (device.tensor(scores, [n])?, device.tensor(maps, [n, 1, height, width])?);
            Ok::<_, DeviceError>(TensorScores { scores, maps })
        };
        Ok(guarded(device, OPERATION, upload)?)
    }
}

/// [`reweighted_score`](crate::reweighted_score) of a batch, on the device.
///
/// # Shapes
/// - `worst`: `[n, 1]`; `to_neighborhood`: `[n, k]`, distances
/// - result: `[n, 1]`
fn reweighted(worst: Tensor<2>, to_neighborhood: Tensor<2>) -> Tensor<2> {
    let largest = to_neighborhood.clone().max_dim(1).max_pair(worst.clone());
    let sum = (to_neighborhood - largest.clone()).exp().sum_dim(1);
    (((worst.clone() - largest).exp() / sum) * -1.0 + 1.0) * worst
}
