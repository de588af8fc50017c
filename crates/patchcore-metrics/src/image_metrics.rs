//! Detection: the metrics of whole images, from one sort.

use super::ranked_scores::RankedScores;
use super::{F1Max, MetricError, auroc, average_precision, f1_max};

/// How well image scores tell defective images from good ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageMetrics {
    /// Area under the ROC curve, in [0, 1].
    pub auroc: f64,
    /// Average precision, in (0, 1].
    pub ap: f64,
    /// Best F1 over all thresholds, chosen on this very set.
    pub f1_max: F1Max,
    /// Number of good images.
    pub n_normal: u64,
    /// Number of defective images.
    pub n_anomalous: u64,
}

/// All image metrics of `scores` against `labels` (`true` is defective).
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
pub fn image_metrics(scores: &[f32], labels: &[bool]) -> Result<ImageMetrics, MetricError> {
    let ranked = RankedScores::from_labels(scores, labels)?;
    Ok(ImageMetrics {
        auroc: auroc::area(&ranked),
        ap: average_precision::area(&ranked),
        f1_max: f1_max::best(&ranked),
        n_normal: ranked.n_normal(),
        n_anomalous: ranked.n_anomalous(),
    })
}
