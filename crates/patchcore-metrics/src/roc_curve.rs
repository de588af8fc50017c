//! The receiver operating characteristic: every threshold's rates, for plots and for choosing an operating point.

use super::MetricError;
use super::ranked_scores::RankedScores;

/// One point per distinct score, highest first, after the point (0, 0): scikit-learn's
/// `roc_curve(drop_intermediate=False)`.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    /// False-positive rate in [0, 1], never decreasing.
    pub fpr: Vec<f64>,
    /// True-positive rate in [0, 1], never decreasing.
    pub tpr: Vec<f64>,
    /// Entries with `score >= threshold` are called anomalous; the first is `f32::INFINITY` (nothing is called so).
    pub thresholds: Vec<f32>,
}

/// The ROC curve of scores against labels (`true` is anomalous).
///
/// # Errors
/// [`MetricError`] when the slices differ in length or are empty, a score is not finite, or one class is missing.
///
/// # Examples
/// ```
/// let curve = patchcore_metrics::roc_curve(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!(curve.fpr, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.tpr, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn roc_curve(scores: &[f32], labels: &[bool]) -> Result<RocCurve, MetricError> {
    let ranked = RankedScores::from_labels(scores, labels)?;
    let (n_normal, n_anomalous) = (ranked.n_normal() as f64, ranked.n_anomalous() as f64);
    let mut curve = RocCurve { fpr: vec![0.0], tpr: vec![0.0], thresholds: vec![f32::INFINITY] };
    let (mut false_positives, mut true_positives) = (0, 0);
    for group in ranked.tie_groups() {
        false_positives += group.n_normal;
        true_positives += group.n_anomalous;
        curve.fpr.push(false_positives as f64 / n_normal);
        curve.tpr.push(true_positives as f64 / n_anomalous);
        curve.thresholds.push(group.score);
    }
    Ok(curve)
}
