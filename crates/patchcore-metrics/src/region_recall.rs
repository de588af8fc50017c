//! Which defects are found at one threshold of the map: the share of each true region, and whether it is touched at all.

use super::{LabelledMap, MetricError, connected_regions};

/// The true regions at one threshold of the map. Regions are 8-connected, as for the [`aupro`](super::aupro()).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionRecall {
    /// Mean over the regions of the share of its pixels with `score > threshold`, in [0, 1]: the height of the
    /// per-region-overlap curve at the threshold, which anomalib calls PRO.
    pub overlap: f64,
    /// Share of the regions with at least one such pixel, in [0, 1].
    pub found: f64,
    /// Number of regions.
    pub n_regions: u64,
}

/// The regions of one map, counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RegionCounts {
    /// Sum of the shares of the regions above the threshold.
    pub(super) overlap: f64,
    /// Regions with a pixel above.
    pub(super) found: f64,
    /// All of them.
    pub(super) regions: f64,
}

/// Counts the regions of all maps at a threshold.
///
/// # Errors
/// [`MetricError::OneClass`], counting regions, without any; [`MetricError::LengthMismatch`] and
/// [`MetricError::NonFiniteScore`].
///
/// # Examples
/// ```
/// use patchcore_metrics::{LabelledMap, region_recall};
/// let mask = Some(&[true, true, false, true][..]);
/// let map = LabelledMap { width: 4, height: 1, scores: &[0.9, 0.2, 0.1, 0.3], mask, inside: None };
/// let found = region_recall(&[map], 0.5)?;
/// assert_eq!((found.overlap, found.found, found.n_regions), (0.25, 0.5, 2));
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn region_recall(maps: &[LabelledMap<'_>], threshold: f32) -> Result<RegionRecall, MetricError> {
    for (index, map) in maps.iter().enumerate() {
        map.check_lengths(index)?;
        map.check_scores(index)?;
    }
    let mut sum = RegionCounts::default();
    for map in maps {
        sum.add(&RegionCounts::new(map, threshold)?, 1.0);
    }
    sum.shares().ok_or_else(|| MetricError::OneClass {
        n_normal: maps.iter().map(|map| map.n_inside() as u64).sum(),
        n_anomalous: 0,
    })
}

impl RegionCounts {
    /// Of a map whose lengths have been checked.
    #[expect(clippy::indexing_slicing, reason = "labels are numbers of regions, from 1")]
    pub(super) fn new(map: &LabelledMap<'_>, threshold: f32) -> Result<Self, MetricError> {
        let Some(mask) = map.mask_inside() else { return Ok(Self::default()) };
        let regions = connected_regions(&mask, map.width, map.height)?;
        let mut above = vec![0_u32; regions.sizes.len()];
        for (score, label) in map.scores.iter().zip(&regions.labels) {
            if *label > 0 && *score > threshold {
                above[*label as usize - 1] += 1;
            }
        }
        Ok(Self {
            overlap: above.iter().zip(&regions.sizes).map(|(above, size)| f64::from(*above) / f64::from(*size)).sum(),
            found: above.iter().filter(|above| **above > 0).count() as f64,
            regions: above.len() as f64,
        })
    }

    /// Adds those of another map, so many times.
    pub(super) fn add(&mut self, other: &Self, weight: f64) {
        self.overlap += weight * other.overlap;
        self.found += weight * other.found;
        self.regions += weight * other.regions;
    }

    /// `None` without a region.
    pub(super) fn shares(&self) -> Option<RegionRecall> {
        (self.regions > 0.0).then(|| RegionRecall {
            overlap: (self.overlap / self.regions).min(1.0),
            found: self.found / self.regions,
            n_regions: self.regions as u64,
        })
    }
}
