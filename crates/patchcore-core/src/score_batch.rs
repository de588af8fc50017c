//! Scores of many photos: as many at once as the device takes.

use crate::error::{DeviceError, ScoreError};
use crate::image_input::ImageInput;
use crate::patchcore::{ImageScore, PatchCore};

impl PatchCore {
    /// How many photos of such a size this model should be given at once: what its engine prefers beside the banks
    /// ([`Extractor::batch_size`](crate::Extractor::batch_size)).
    pub fn batch_size(&self, height: usize, width: usize) -> usize {
        let banks: usize = self.members().iter().map(|member| member.bank().rows().len()).sum();
        self.extractor().batch_size(height, width, banks as u64 * 8)
    }

    /// Scores photos, in order. Neighbours of one size go through the device together, as many as
    /// [`PatchCore::batch_size`] allows; on the CPU they go one by one. Where the device has no memory for so many, half as many go
    /// together from then on ([`Extractor::reduced_batch`](crate::Extractor::reduced_batch)).
    ///
    /// On a GPU a score may differ by rounding between batch sizes, because matrix products of other shapes are summed
    /// in another order; on the CPU it does not.
    ///
    /// # Errors
    /// [`ScoreError`], for the first photo at fault.
    pub fn score_batch(&self, images: &[ImageInput<'_>]) -> Result<Vec<ImageScore>, ScoreError> {
        let mut scores = Vec::with_capacity(images.len());
        for same_size in images.chunk_by(|a, b| (a.height, a.width) == (b.height, b.width)) {
            let mut rest = same_size;
            while let Some(first) = rest.first() {
                let at_once = self.batch_size(first.height, first.width).clamp(1, rest.len());
                let (batch, after) = rest.split_at(at_once);
                match self.score_whole(batch) {
                    Ok(Some(scored)) => scores.extend(scored),
                    Ok(None) => {
                        scores.extend(batch.iter().map(|image| self.score(*image)).collect::<Result<Vec<_>, _>>()?);
                    }
                    Err(ScoreError::Device(error @ DeviceError::OutOfMemory { .. }))
                        if self.extractor().engine().halve_batch(at_once, &error) =>
                    {
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                rest = after;
            }
        }
        Ok(scores)
    }
}
