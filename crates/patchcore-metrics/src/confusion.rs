//! Verdicts against the truth, counted.

use serde::{Deserialize, Serialize};

use super::MetricError;

/// How many images of each class a threshold calls anomalous (`score > threshold`, as
/// [`Threshold::verdict`](crate::threshold::Threshold::verdict) does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Good ones that are called good.
    pub true_negatives: u64,
    /// Good ones that are called anomalous: false alarms.
    pub false_positives: u64,
    /// Anomalous ones that are called good: misses.
    pub false_negatives: u64,
    /// Anomalous ones that are called anomalous.
    pub true_positives: u64,
}

impl Confusion {
    /// Counts scores against labels (`true` is anomalous).
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`], and [`MetricError::NonFiniteScore`] for a score that no threshold can judge.
    ///
    /// # Examples
    /// ```
    /// use patchcore_metrics::Confusion;
    /// let confusion = Confusion::at(0.4, &[0.1, 0.4, 0.5, 0.8], &[false, true, false, true])?;
    /// assert_eq!((confusion.true_negatives, confusion.false_negatives), (1, 1));
    /// assert_eq!((confusion.false_positives, confusion.true_positives), (1, 1));
    /// # Ok::<(), patchcore_metrics::MetricError>(())
    /// ```
    pub fn at(threshold: f32, scores: &[f32], labels: &[bool]) -> Result<Self, MetricError> {
        if scores.len() != labels.len() {
            let (what, expected, found) = ("labels".to_owned(), scores.len(), labels.len());
            return Err(MetricError::LengthMismatch { what, expected, found });
        }
        if let Some((index, value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
            return Err(MetricError::NonFiniteScore { map: None, index, value: *value });
        }
        let verdicts = scores.iter().zip(labels).map(|(score, anomalous)| (*score > threshold, *anomalous, 1));
        Ok(Self::of_verdicts(verdicts))
    }

    /// Counts verdicts: called anomalous, is anomalous, and how often.
    pub(super) fn of_verdicts(verdicts: impl Iterator<Item = (bool, bool, u64)>) -> Self {
        let mut confusion = Self::default();
        for (called, anomalous, number) in verdicts {
            let count = match (anomalous, called) {
                (false, false) => &mut confusion.true_negatives,
                (false, true) => &mut confusion.false_positives,
                (true, false) => &mut confusion.false_negatives,
                (true, true) => &mut confusion.true_positives,
            };
            *count += number;
        }
        confusion
    }

    /// Share of good ones called anomalous, in [0, 1]; `None` without good ones.
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_positives, self.true_negatives)
    }

    /// Share of anomalous ones called so (recall), in [0, 1]; `None` without anomalous ones.
    pub fn true_positive_rate(&self) -> Option<f64> {
        share(self.true_positives, self.false_negatives)
    }

    /// Share of the called that are anomalous, in [0, 1]; `None` when nothing is called so.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.false_positives)
    }

    /// 2·TP / (2·TP + FP + FN), in [0, 1]; `None` where there is nothing anomalous and nothing is called so.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.true_positives, self.false_positives + self.false_negatives)
    }
}

fn share(these: u64, others: u64) -> Option<f64> {
    (these + others > 0).then(|| these as f64 / (these + others) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_label_and_a_score_that_is_no_number_are_refused() {
        let refused = Confusion::at(0.4, &[0.1, 0.5], &[false]);
        assert!(matches!(refused, Err(MetricError::LengthMismatch { expected: 2, found: 1, .. })), "{refused:?}");
        let refused = Confusion::at(0.4, &[0.1, f32::NAN], &[false, true]);
        assert!(matches!(refused, Err(MetricError::NonFiniteScore { index: 1, .. })), "{refused:?}");
    }
}
