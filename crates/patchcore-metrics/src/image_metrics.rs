//! Detection: the metrics of whole images, from one sort.

use super::ranked_scores::RankedScores;
use super::{Confusion, F1Max, MetricError, auroc, average_precision, f1_max};

/// How well image scores tell defective images from good ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageMetrics {
    /// Area under the ROC curve, in [0, 1].
    pub auroc: f64,
    /// Average precision, in (0, 1].
    pub ap: f64,
    /// Best F1 over all thresholds, chosen on this very set.
    pub f1_max: F1Max,
    /// F1 of the verdicts `score > threshold` at a threshold that was there before this set; `None` without one.
    pub f1: Option<f64>,
    /// Number of good images.
    pub n_normal: u64,
    /// Number of defective images.
    pub n_anomalous: u64,
}

/// All image metrics of `scores` against `labels` (`true` is defective), but for those of a threshold.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
pub fn image_metrics(scores: &[f32], labels: &[bool]) -> Result<ImageMetrics, MetricError> {
    image_metrics_at(None, scores, labels)
}

/// All image metrics, with the F1 at a model's threshold if it has one.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
pub fn image_metrics_at(threshold: Option<f32>, scores: &[f32], labels: &[bool]) -> Result<ImageMetrics, MetricError> {
    let ranked = RankedScores::from_labels(scores, labels)?;
    let confusion = threshold.map(|threshold| Confusion::at(threshold, scores, labels)).transpose()?;
    Ok(ImageMetrics {
        auroc: auroc::area(&ranked),
        ap: average_precision::area(&ranked),
        f1_max: f1_max::best(&ranked),
        f1: confusion.and_then(|confusion| confusion.f1()),
        n_normal: ranked.n_normal(),
        n_anomalous: ranked.n_anomalous(),
    })
}
