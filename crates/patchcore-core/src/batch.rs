//! Several photos scored at once.

use crate::error::ScoreError;
use crate::extractor::ImageInput;
use crate::patchcore::{ImageScore, PatchCore};

impl PatchCore {
    /// How many photos of such a size this model should be given at once: as many as fit in the device's budget
    /// ([`DeviceProperties::batch_budget`](crate::device::DeviceProperties::batch_budget)) beside the bank, at most
    /// 32; 1 on the CPU, whose own kernels take one photo at a time.
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
                #[cfg(feature = "burn")]
                if let Some(scored) = self.score_on_device(batch)? {
                    scores.extend(scored);
                    continue;
                }
                for image in batch {
                    scores.push(self.score(*image)?);
                }
            }
        }
        Ok(scores)
    }
}
