//! The best F1 over all thresholds, and where it lies.

use super::MetricError;
use super::ranked_scores::RankedScores;

/// The operating point with the largest F1. It is chosen on the labels that it is judged by: an upper bound, not a
/// threshold to ship.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct F1Max {
    /// Harmonic mean of precision and recall, in (0, 1].
    pub f1: f64,
    /// Entries with `score >= threshold` are called anomalous; in the unit of the scores.
    pub threshold: f32,
    /// Share of the called that are anomalous, in (0, 1].
    pub precision: f64,
    /// Share of the anomalous that are called, in (0, 1].
    pub recall: f64,
}

/// The largest F1 over the distinct scores as thresholds; among equals the lowest threshold, which is the first
/// argmax over scikit-learn's `precision_recall_curve`.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve).
///
/// # Examples
/// ```
/// let best = patchcore_metrics::f1_max(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!((best.f1, best.threshold), (0.8, 0.35));
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn f1_max(scores: &[f32], labels: &[bool]) -> Result<F1Max, MetricError> {
    Ok(best(&RankedScores::from_labels(scores, labels)?))
}

/// F1 = 2·TP / (called + anomalous): fractions of integers are compared without rounding, so ties are real ties.
pub(super) fn best(ranked: &RankedScores) -> F1Max {
    let anomalous = ranked.n_anomalous();
    let (mut true_positives, mut called) = (0_u64, 0_u64);
    let (mut best_true_positives, mut best_called, mut threshold) = (0_u64, 0_u64, f32::INFINITY);
    for group in ranked.tie_groups() {
        true_positives += group.n_anomalous;
        called += group.n_anomalous + group.n_normal;
        let here = u128::from(true_positives) * u128::from(best_called + anomalous);
        let best = u128::from(best_true_positives) * u128::from(called + anomalous);
        if here >= best {
            (best_true_positives, best_called, threshold) = (true_positives, called, group.score);
        }
    }
    F1Max {
        f1: 2.0 * best_true_positives as f64 / (best_called + anomalous) as f64,
        threshold,
        precision: best_true_positives as f64 / best_called as f64,
        recall: best_true_positives as f64 / anomalous as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_f1_takes_the_lowest_threshold() {
        // >= 4: 1 of 1 called, 1 of 2 found, F1 = 2/3; >= 1: 2 of 4 called, 2 of 2 found, F1 = 2/3.
        let best = f1_max(&[4.0, 3.0, 2.0, 1.0], &[true, false, false, true]).unwrap();
        assert_eq!(best, F1Max { f1: 2.0 / 3.0, threshold: 1.0, precision: 0.5, recall: 1.0 });
    }
}
