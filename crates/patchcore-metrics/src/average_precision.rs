//! Average precision: the step-wise area under the precision-recall curve.

use super::MetricError;
use super::ranked_scores::RankedScores;

/// Average precision, in (0, 1]: Σₙ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores, highest first, with precision P and
/// recall R of `score >= threshold`. No interpolation; scikit-learn's `average_precision_score`. Chance is the share
/// of anomalous entries.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
///
/// # Examples
/// ```
/// use patchcore_metrics::average_precision;
/// let ap = average_precision(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert!((ap - 5.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn average_precision(scores: &[f32], labels: &[bool]) -> Result<f64, MetricError> {
    Ok(area(&RankedScores::from_labels(scores, labels)?))
}

/// The sum above; the division by the number of anomalous entries comes last.
pub(super) fn area(ranked: &RankedScores) -> f64 {
    let (mut true_positives, mut positives) = (0_u64, 0_u64);
    let mut sum = 0.0;
    for group in ranked.tie_groups() {
        true_positives += group.n_anomalous;
        positives += group.n_anomalous + group.n_normal;
        if group.n_anomalous > 0 {
            sum += group.n_anomalous as f64 * (true_positives as f64 / positives as f64);
        }
    }
    // Rounding of millions of terms may pass 1 by an ulp or two.
    (sum / ranked.n_anomalous() as f64).min(1.0)
}
