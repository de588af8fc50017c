//! Area under the ROC curve, counted in integers.

use super::MetricError;
use super::ranked_scores::RankedScores;

/// Area under the ROC curve, in [0, 1]: the probability that an anomalous entry scores above a normal one, ties
/// counting half. 0.5 is chance.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
///
/// # Examples
/// ```
/// use patchcore_metrics::auroc;
/// assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?, 0.75);
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn auroc(scores: &[f32], labels: &[bool]) -> Result<f64, MetricError> {
    Ok(area(&RankedScores::from_labels(scores, labels)?))
}

/// Twice the number of correctly ordered pairs, over twice the number of pairs.
pub(super) fn area(ranked: &RankedScores) -> f64 {
    let (mut above, mut ordered_twice) = (0_u64, 0_u128);
    for group in ranked.tie_groups() {
        ordered_twice += u128::from(group.n_normal) * (2 * u128::from(above) + u128::from(group.n_anomalous));
        above += group.n_anomalous;
    }
    ordered_twice as f64 / (2 * u128::from(ranked.n_normal()) * u128::from(ranked.n_anomalous())) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_inverted_and_constant_scores() {
        let labels = [true, false, true];
        assert_eq!(auroc(&[2.0, 1.0, 3.0], &labels).unwrap(), 1.0);
        assert_eq!(auroc(&[-2.0, -1.0, -3.0], &labels).unwrap(), 0.0);
        assert_eq!(auroc(&[7.0; 3], &labels).unwrap(), 0.5);
        assert_eq!(auroc(&[0.0, -0.0, 0.0], &labels).unwrap(), 0.5, "both zeros are one score");
    }

    #[test]
    fn what_has_no_ranking_is_an_error() {
        assert_eq!(auroc(&[], &[]), Err(MetricError::Empty));
        assert_eq!(auroc(&[1.0, 2.0], &[false, false]), Err(MetricError::OneClass { n_normal: 2, n_anomalous: 0 }));
        let message = auroc(&[1.0, f32::INFINITY], &[false, true]).unwrap_err().to_string();
        assert!(message.starts_with("score 1 is inf, expected a finite number"), "{message}");
        assert!(matches!(auroc(&[1.0], &[]), Err(MetricError::LengthMismatch { expected: 1, found: 0, .. })));
    }
}
