//! What an extractor gives as tensors.

use burn::tensor::Tensor;
use patchcore_config::Grid;

use super::{Extractor, ImageInput, Implementation, OPERATION, check_batch};
use crate::device::guarded;
use crate::error::ScoreError;

impl Extractor {
    /// Embedding rows of one photo: `[grid cells, dim]`, grid row by row.
    ///
    /// One photo at a time: its features cannot depend on its neighbours in a batch.
    ///
    /// # Errors
    /// [`ScoreError::Input`] and [`ScoreError::Device`].
    pub fn embed(&self, image: ImageInput<'_>) -> Result<(Tensor<2>, Grid), ScoreError> {
        self.embed_batch(&[image])
    }

    /// Embedding rows of photos of one size, image by image: `[images x grid cells, dim]`, on the device. One upload, and
    /// nothing is read back.
    ///
    /// # Errors
    /// [`ScoreError::Input`] (also for photos of several sizes) and [`ScoreError::Device`].
    pub fn embed_batch(&self, images: &[ImageInput<'_>]) -> Result<(Tensor<2>, Grid), ScoreError> {
        let Some((height, width)) = check_batch(images)? else {
            return Ok((self.device.tensor(Vec::new(), [0, self.dim])?, Grid::default()));
        };
        match &self.implementation {
            Implementation::Cpu(_) => {
                let (values, grid) = self.embed_batch_to_host(images)?;
                Ok((self.device.tensor(values, [images.len() * grid.cells(), self.dim])?, grid))
            }
            Implementation::Tensors(tensors) => guarded(&self.device, OPERATION, || {
                // One grey plane is enough for all of a batch: normalising makes three of it on the device.
                let planes = if images.iter().all(ImageInput::is_grey) { 1 } else { 3 };
                let times = |image: &ImageInput<'_>| if image.is_grey() { planes } else { 1 };
                let pixels = images.iter().flat_map(|image| std::iter::repeat_n(image.pixels, times(image)));
                let pixels = pixels.flatten().copied().collect();
                let pixels = self.device.tensor(pixels, [images.len(), planes, height, width])?;
                // A plan has at least one layer.
                tensors.embed(pixels).ok_or_else(|| self.failed("no feature map").into())
            }),
        }
    }

    /// Embedding rows of pixels that lie on the device, by tensor operations; `None` where the CPU's own kernels compute.
    ///
    /// # Shapes
    /// - `pixels`: `[n, 3 or 1, height, width]`, in `[0, 1]`
    /// - result: `[n x grid cells, dim]`, image by image
    pub(crate) fn embed_tensor(&self, pixels: Tensor<4>) -> Option<(Tensor<2>, Grid)> {
        match &self.implementation {
            Implementation::Cpu(_) => None,
            Implementation::Tensors(tensors) => tensors.embed(pixels),
        }
    }
}
