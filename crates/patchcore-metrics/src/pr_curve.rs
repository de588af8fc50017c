//! The precision-recall curve, for plots: how clean the top of the ranking is.

use super::MetricError;
use super::ranked_scores::RankedScores;
use super::thin_curve::Thinning;

/// Points `[recall, precision]`, both in [0, 1], of the distinct scores as thresholds, highest first: recall never
/// falls. The curve is a step function, precision holding from the last recall to the next; its area, `Σ (R - R before) P`
/// from a recall of 0, is the [`average_precision`](super::average_precision()).
///
/// `resolution` thins the points as [`thin_curve`](super::thin_curve()) does; 0 keeps one for each distinct score.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
///
/// # Examples
/// ```
/// let curve = patchcore_metrics::pr_curve(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true], 0.0)?;
/// assert_eq!(curve, [[0.5, 1.0], [0.5, 0.5], [1.0, 2.0 / 3.0], [1.0, 0.5]]);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn pr_curve(scores: &[f32], labels: &[bool], resolution: f64) -> Result<Vec<[f64; 2]>, MetricError> {
    let ranked = RankedScores::from_labels(scores, labels)?;
    let (mut true_positives, mut called) = (0_u64, 0_u64);
    let mut curve = Thinning::new(resolution);
    for group in ranked.tie_groups() {
        true_positives += group.n_anomalous;
        called += group.n_anomalous + group.n_normal;
        curve.push([true_positives as f64 / ranked.n_anomalous() as f64, true_positives as f64 / called as f64]);
    }
    Ok(curve.finish())
}
