//! What a change does to the scores of a set of photos.

use serde::{Deserialize, Serialize};

use super::finding::{StressCount, StressFinding};
use crate::threshold::{Threshold, Verdict};
use crate::{MetricError, auroc};

/// A set of photos under one change, against the same photos unchanged. What is not defined is absent in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct StressOutcome {
    /// Image AUROC, in [0, 1]; `None` with photos of one class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_auroc: Option<f64>,
    /// Good photos that are called anomalous; `None` without good photos, or without a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarms: Option<StressCount>,
    /// Defective photos that are called good; `None` without defective photos, or without a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misses: Option<StressCount>,
    /// Median score of the good photos; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_good_score: Option<f64>,
    /// That over the median of the same photos unchanged; `None` where that is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ratio: Option<f64>,
}

impl StressOutcome {
    /// Scores under the change and unchanged, of the same photos in the same order, and which photos are defective.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`], and [`MetricError::NonFiniteScore`] for a score that no threshold can judge.
    ///
    /// # Examples
    /// ```
    /// use patchcore_metrics::StressOutcome;
    /// use patchcore_metrics::threshold::Threshold;
    ///
    /// let (unchanged, darker) = ([1.0, 2.0, 6.0], [1.5, 4.0, 6.0]);
    /// let outcome = StressOutcome::new(&darker, &unchanged, &[false, false, true], Some(&Threshold::manual(3.0)))?;
    /// assert_eq!(outcome.false_alarms.map(|wrong| (wrong.count, wrong.of)), Some((1, 2)));
    /// assert_eq!(outcome.misses.map(|wrong| (wrong.count, wrong.of)), Some((0, 1)));
    /// # Ok::<(), patchcore_metrics::MetricError>(())
    /// ```
    pub fn new(
        scores: &[f32],
        unchanged: &[f32],
        labels: &[bool],
        threshold: Option<&Threshold>,
    ) -> Result<Self, MetricError> {
        for (what, found) in [("unchanged scores", unchanged.len()), ("labels", labels.len())] {
            if found != scores.len() {
                return Err(MetricError::LengthMismatch { what: what.to_owned(), expected: scores.len(), found });
            }
        }
        for scores in [scores, unchanged] {
            if let Some((index, value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
                return Err(MetricError::NonFiniteScore { map: None, index, value: *value });
            }
        }
        let of_class = |scores: &[f32], defective: bool| -> Vec<f32> {
            scores.iter().zip(labels).filter(|(_, label)| **label == defective).map(|(score, _)| *score).collect()
        };
        let wrong = |defective: bool| {
            let Some(threshold) = threshold else { return Ok(None) };
            let right = if defective { Verdict::Anomalous } else { Verdict::Good };
            let is_wrong = |scores: &[f32]| -> Vec<bool> {
                of_class(scores, defective).iter().map(|score| threshold.verdict(*score) != right).collect()
            };
            StressCount::new(&is_wrong(scores), &is_wrong(unchanged))
        };
        let median_good_score = median(of_class(scores, false));
        let before = median(of_class(unchanged, false)).filter(|median| *median != 0.0);
        Ok(Self {
            // Not defined for one class.
            image_auroc: auroc(scores, labels).ok(),
            false_alarms: wrong(false)?,
            misses: wrong(true)?,
            median_good_score,
            median_ratio: median_good_score.zip(before).map(|(now, before)| now / before),
        })
    }

    /// What both classes say together: errors of one rise, one is unclear, or all that have photos enough hold; `None` where nothing is
    /// counted.
    pub fn finding(&self) -> Option<StressFinding> {
        let findings = || [self.false_alarms, self.misses].into_iter().flatten().map(|wrong| wrong.finding);
        let order = [StressFinding::Rises, StressFinding::Unclear, StressFinding::Holds, StressFinding::TooFew];
        order.into_iter().find(|wanted| findings().any(|finding| finding == *wanted))
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut scores: Vec<f32>) -> Option<f64> {
    scores.sort_by(f32::total_cmp);
    let (low, high) = (scores.get(scores.len().checked_sub(1)? / 2)?, scores.get(scores.len() / 2)?);
    Some((f64::from(*low) + f64::from(*high)) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [bool; 7] = [false, false, true, false, true, true, false];
    const UNCHANGED: [f32; 7] = [1.0, 2.0, 8.0, 3.0, 9.0, 4.0, 6.0];
    const CHANGED: [f32; 7] = [2.0, 5.0, 8.0, 7.0, 4.5, 9.0, 6.0];

    #[test]
    fn everything_is_counted_over_the_same_photos() {
        let outcome = StressOutcome::new(&CHANGED, &UNCHANGED, &LABELS, Some(&Threshold::manual(5.0))).unwrap();
        // 8, 4.5 and 9 against 2, 5, 7 and 6: 4, 1 and 4 of 4 pairs.
        assert_eq!(outcome.image_auroc, Some(9.0 / 12.0));
        let (alarms, misses) = (outcome.false_alarms.unwrap(), outcome.misses.unwrap());
        // A score of 5 is not above 5.
        assert_eq!((alarms.count, alarms.of, alarms.appeared, alarms.disappeared), (2, 4, 1, 0));
        assert_eq!((misses.count, misses.of, misses.appeared, misses.disappeared), (1, 3, 1, 1));
        // Between 5 and 6, and between 2 and 3.
        assert_eq!((outcome.median_good_score, outcome.median_ratio), (Some(5.5), Some(2.2)));
        assert_eq!(outcome.finding(), Some(StressFinding::TooFew));
    }

    #[test]
    fn what_is_not_defined_is_absent() {
        let good = StressOutcome::new(&[1.0, 2.0], &[0.0, 0.0], &[false; 2], None).unwrap();
        assert_eq!(good, StressOutcome { median_good_score: Some(1.5), ..StressOutcome::default() });
        assert_eq!(serde_json::to_string(&good).unwrap(), "{\"median_good_score\":1.5}");
        let none = StressOutcome::new(&[], &[], &[], Some(&Threshold::manual(1.0))).unwrap();
        assert_eq!((none, none.finding()), (StressOutcome::default(), None));
        let defective = StressOutcome::new(&[1.0], &[1.0], &[true], Some(&Threshold::manual(1.0))).unwrap();
        assert!(defective.false_alarms.is_none() && defective.misses.unwrap().count == 1);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let threshold = Threshold::manual(1.0);
        assert!(StressOutcome::new(&CHANGED, &UNCHANGED[1..], &LABELS, Some(&threshold)).is_err());
        assert!(StressOutcome::new(&[f32::NAN], &[1.0], &[false], Some(&threshold)).is_err());
        assert!(StressOutcome::new(&[1.0], &[f32::INFINITY], &[false], Some(&threshold)).is_err());
    }

    #[test]
    fn the_worse_class_decides_and_too_few_photos_say_nothing() {
        let wrong =
            |finding| StressCount::new(&[false], &[false]).unwrap().map(|wrong| StressCount { finding, ..wrong });
        let both = |a, b| StressOutcome { false_alarms: wrong(a), misses: wrong(b), ..StressOutcome::default() };
        assert_eq!(both(StressFinding::Holds, StressFinding::Rises).finding(), Some(StressFinding::Rises));
        assert_eq!(both(StressFinding::Unclear, StressFinding::Holds).finding(), Some(StressFinding::Unclear));
        assert_eq!(both(StressFinding::Holds, StressFinding::TooFew).finding(), Some(StressFinding::Holds));
        assert_eq!(both(StressFinding::TooFew, StressFinding::TooFew).finding(), Some(StressFinding::TooFew));
    }
}
