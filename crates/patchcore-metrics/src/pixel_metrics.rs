//! Localisation: the metrics of all pixels of all maps, from one sort.

use super::ranked_scores::RankedScores;
use super::{
    AUPIMO_BOUNDS, Aupimo, F1Max, LabelledMap, MetricError, RegionRecall, aupimo, aupro, auroc, average_precision,
    f1_max, region_recall,
};

/// How well anomaly maps tell defective pixels from good ones. Pixels of all images count alike, good images included.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelMetrics {
    /// Area under the ROC curve, in [0, 1].
    pub auroc: f64,
    /// Average precision, in (0, 1].
    pub ap: f64,
    /// Best F1 over all thresholds, chosen on this very set.
    pub f1_max: F1Max,
    /// [`aupro()`](super::aupro()) up to a false-positive rate of 0.3.
    pub aupro_30: f64,
    /// [`aupro()`](super::aupro()) up to a false-positive rate of 0.05.
    pub aupro_05: f64,
    /// [`aupimo()`](super::aupimo()) between [`AUPIMO_BOUNDS`](super::AUPIMO_BOUNDS), or why it is not defined (too few good
    /// pixels for a rate of 1e-5, no good image).
    pub aupimo: Result<Aupimo, MetricError>,
    /// The true regions at a threshold that was there before this set; `None` without one.
    pub region_recall: Option<RegionRecall>,
    /// Number of normal pixels.
    pub n_normal: u64,
    /// Number of defective pixels.
    pub n_anomalous: u64,
    /// Number of connected defect regions.
    pub n_regions: u64,
}

/// All pixel metrics of the maps, over the pixels inside their regions of interest, but for those of a threshold.
///
/// Memory beyond the input: 4 bytes per normal and 8 per defective pixel.
///
/// # Errors
/// [`MetricError`] when there is no map, a score is not finite, a slice does not fit its map's size, or all pixels are
/// of one class (a test set without defects has no pixel metrics).
///
/// # Examples
/// ```
/// use patchcore_metrics::{LabelledMap, pixel_metrics};
/// let good = LabelledMap { width: 3, height: 1, scores: &[0.1, 0.3, 0.2], mask: None, inside: None };
/// let bad = LabelledMap { width: 2, scores: &[0.9, 0.2], mask: Some(&[true, false]), ..good };
/// let metrics = pixel_metrics(&[good, bad])?;
/// assert_eq!((metrics.auroc, metrics.aupro_30), (1.0, 1.0));
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn pixel_metrics(maps: &[LabelledMap<'_>]) -> Result<PixelMetrics, MetricError> {
    pixel_metrics_at(None, maps)
}

/// All pixel metrics, with the recall of the regions at a model's threshold of the map if it has one.
///
/// # Errors
/// As [`pixel_metrics()`].
pub fn pixel_metrics_at(threshold: Option<f32>, maps: &[LabelledMap<'_>]) -> Result<PixelMetrics, MetricError> {
    let ranked = RankedScores::from_maps(maps)?;
    Ok(PixelMetrics {
        auroc: auroc::area(&ranked),
        ap: average_precision::area(&ranked),
        f1_max: f1_max::best(&ranked),
        aupro_30: aupro::area_up_to(&ranked, 0.3),
        aupro_05: aupro::area_up_to(&ranked, 0.05),
        n_normal: ranked.n_normal(),
        n_anomalous: ranked.n_anomalous(),
        n_regions: ranked.n_regions(),
        aupimo: aupimo(maps, AUPIMO_BOUNDS),
        region_recall: threshold.map(|threshold| region_recall(maps, threshold)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_outside_do_not_count() {
        let map = |scores, mask, width| LabelledMap { width, height: 1, scores, mask, inside: None };
        // The false alarm and half of the defect are outside.
        let whole = map(&[9.0, 0.1, 0.8, 0.0, 0.2], Some(&[false, false, true, true, false]), 5);
        let inside: &[bool] = &[false, true, true, false, true];
        let found = pixel_metrics(&[LabelledMap { inside: Some(inside), ..whole }]).unwrap();
        let small = pixel_metrics(&[map(&[0.1, 0.8, 0.2], Some(&[false, true, false]), 3)]).unwrap();
        assert_eq!(found, small);
        assert!(pixel_metrics(&[whole]).unwrap().auroc < found.auroc);
        let message = pixel_metrics(&[LabelledMap { inside: Some(&inside[1..]), ..whole }]).unwrap_err().to_string();
        assert_eq!(message, "inside of map 0 (5 x 1) has 4 entries, expected 5; pass one entry for each score");
    }

    #[test]
    fn errors_name_the_map_and_the_pixel() {
        let good = LabelledMap { width: 2, height: 1, scores: &[0.0, 0.0], mask: None, inside: None };
        assert_eq!(pixel_metrics(&[]), Err(MetricError::Empty));
        assert_eq!(pixel_metrics(&[good]), Err(MetricError::OneClass { n_normal: 2, n_anomalous: 0 }));

        let bad = LabelledMap { scores: &[0.0, f32::NAN], mask: Some(&[false, true]), ..good };
        let message = pixel_metrics(&[good, bad]).unwrap_err().to_string();
        assert!(message.starts_with("score 1 of map 1 is NaN"), "{message}");

        let short = LabelledMap { mask: Some(&[true]), ..good };
        let message = pixel_metrics(&[good, short]).unwrap_err().to_string();
        assert_eq!(message, "mask of map 1 (2 x 1) has 1 entries, expected 2; pass one entry for each score");
        let huge = LabelledMap { width: usize::MAX, height: 2, ..good };
        assert!(matches!(pixel_metrics(&[huge]), Err(MetricError::LengthMismatch { .. })));
    }
}
