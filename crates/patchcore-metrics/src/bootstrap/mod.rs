//! How far a metric might be off because the test set is small: stratified bootstrap over images.
//!
//! A resample draws as many good images as there are from the good ones, and as many defective ones from the defective
//! ones, with replacement (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993). The interval is the middle
//! share of the metric over the resamples (percentile method). Pixel metrics resample **images**, with all their
//! pixels: pixels of one image are not independent. A metric at its bound (an AUROC of 1) has an interval of no
//! width, which means "no error among these images", not "no error".
//!
//! Two evaluations of the same images with the same [`Bootstrap`] draw the same images in each resample, so the
//! differences of their replicates are paired ([`ImageReplicates::difference`], [`PixelReplicates::difference`]).
//!
//! # How it is fast, and exact
//! A resample is a weight per image, so nothing is sorted again. Every metric here changes its course only at scores of
//! anomalous pixels: between two of them the normal pixels matter by their number per image only. `events.rs`
//! counts them so, once; `sweep.rs` walks over these counts for eight resamples at a time. Each replicate equals the
//! metric of the repeated images (up to rounding; a test repeats them). The AUPIMO changes its course at scores of good pixels
//! instead, of which only the highest matter; it has events of its own (`overlap_events.rs`).
//!
//! # Cost
//! Per resample O(anomalous pixels + counts), and there are at most as many counts as normal pixels, in practice a few
//! times as many as anomalous pixels. Memory: 8 bytes per normal pixel of one map per thread, 12 per count, 24 per
//! anomalous pixel.

mod events;
mod replicates;
mod sweep;
#[cfg(test)]
mod tests;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

pub use replicates::{
    ImageReplicates, PixelReplicates, image_replicates, image_replicates_at, pixel_replicates, pixel_replicates_at,
    pixel_replicates_telling,
};
pub(super) use sweep::Replicate;

/// Settings of a bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bootstrap {
    /// Number of resamples. Default 1000.
    pub resamples: usize,
    /// Share of the replicates inside an interval, in (0, 1). Default 0.95.
    pub confidence: f64,
    /// Source of the draws. Default 0.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1000, confidence: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// How often each image is drawn in one resample; `strata` says which are defective.
    #[expect(clippy::indexing_slicing, reason = "picks are below the number of members, members that of the images")]
    pub(crate) fn draw(&self, resample: usize, strata: &[bool]) -> Vec<u32> {
        // The resamples' seeds lie a golden ratio apart, so that seeds 0 and 1 share no resample.
        let seed = self.seed.wrapping_add((resample as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut random = Pcg64::seed_from_u64(seed);
        let mut counts = vec![0; strata.len()];
        for class in [false, true] {
            let members: Vec<usize> = (0..strata.len()).filter(|image| strata[*image] == class).collect();
            for _ in &members {
                let pick = ((u128::from(random.next_u64()) * members.len() as u128) >> 64) as usize;
                counts[members[pick]] += 1;
            }
        }
        counts
    }
}
