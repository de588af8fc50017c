//! The threshold of a test set that is judged by a model without one.

use super::{Threshold, ThresholdOrigin};

impl Threshold {
    /// The middle of the gap between the highest good score and the lowest defective one, where there is a gap; else the highest good
    /// score, above which no good photo of this set is. `labels`: `true` is defective. `None` without a finite score of a good photo.
    ///
    /// Both tell how well scores are apart, and neither says how many new good parts are rejected: that takes a calibration.
    ///
    /// # Examples
    /// ```
    /// use patchcore_metrics::threshold::Threshold;
    /// let apart = Threshold::of_test_set(&[1.0, 2.0, 4.0], &[false, false, true]);
    /// assert_eq!(apart.map(|threshold| threshold.value), Some(3.0));
    /// let mixed = Threshold::of_test_set(&[1.0, 2.0, 1.5], &[false, false, true]);
    /// assert_eq!(mixed.map(|threshold| threshold.value), Some(2.0));
    /// ```
    pub fn of_test_set(scores: &[f32], labels: &[bool]) -> Option<Self> {
        let of = |wanted: bool| {
            let pairs = scores.iter().zip(labels).filter(move |(score, label)| **label == wanted && score.is_finite());
            pairs.map(|(score, _)| *score)
        };
        let highest = of(false).reduce(f32::max)?;
        let (n_normal, n_anomalous) = (of(false).count() as u64, of(true).count() as u64);
        let lowest = of(true).reduce(f32::min).filter(|lowest| *lowest > highest);
        Some(match lowest {
            Some(lowest) => {
                // Between neighbours there is no middle: what is equal to the threshold is good.
                let middle = Some(highest + (lowest - highest) / 2.0).filter(|middle| *middle < lowest);
                let origin = ThresholdOrigin::MiddleOfGap { n_normal, n_anomalous };
                Self { value: middle.unwrap_or(highest), origin }
            }
            None => Self { value: highest, origin: ThresholdOrigin::HighestGood { n_normal } },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Verdict;

    #[test]
    fn scores_that_lie_apart_are_told_apart() {
        for (good, defective) in [(1.0_f32, 2.0_f32), (1.0, 1.0_f32.next_up()), (-3.0, f32::MAX), (0.0, 1e-45)] {
            let threshold = Threshold::of_test_set(&[defective, good], &[true, false]).unwrap();
            assert_eq!(threshold.verdict(good), Verdict::Good, "{threshold:?}");
            assert_eq!(threshold.verdict(defective), Verdict::Anomalous, "{threshold:?}");
            assert_eq!(threshold.origin, ThresholdOrigin::MiddleOfGap { n_normal: 1, n_anomalous: 1 });
        }
    }

    #[test]
    fn without_a_gap_it_is_the_highest_good_score() {
        for (scores, labels) in [
            (&[1.0, 3.0, 2.0][..], &[false, false, true][..]),
            // Equal scores are no gap.
            (&[3.0, 3.0], &[false, true]),
            (&[3.0], &[false]),
            (&[3.0, f32::NAN, f32::INFINITY], &[false, true, false]),
        ] {
            let threshold = Threshold::of_test_set(scores, labels).unwrap();
            assert_eq!(threshold.value, 3.0);
            assert!(matches!(threshold.origin, ThresholdOrigin::HighestGood { .. }), "{threshold:?}");
        }
        assert_eq!(Threshold::of_test_set(&[3.0], &[true]), None);
        assert_eq!(Threshold::of_test_set(&[], &[]), None);
    }
}
