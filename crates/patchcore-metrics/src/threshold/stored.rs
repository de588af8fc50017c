//! Thresholds as a model keeps them: the value, and how it came about.

use serde::{Deserialize, Serialize};

use super::Verdict;

/// The thresholds of a model.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Thresholds {
    /// For image scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Threshold>,
    /// For the scores of an anomaly map. A calibrated one is made from the **maximum of each good map**, so its rate
    /// is the share of good *photos* with any pixel above, not a share of pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel: Option<Threshold>,
}

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// In the unit of the model's distance; what is greater is anomalous.
    pub value: f32,
    /// How it came about.
    pub origin: ThresholdOrigin,
}

/// How a threshold came about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThresholdOrigin {
    /// From scores of good parts, with a promise.
    Calibrated(Calibration),
    /// The largest F1 on a labelled test set: chosen on what it is judged by, so no promise for new parts.
    F1Max {
        /// Normal entries of that set (images, or pixels).
        n_normal: u64,
        /// Anomalous entries of that set.
        n_anomalous: u64,
    },
    /// The middle between the highest good and the lowest defective score of a test set that a model without a threshold was judged on
    /// ([`Threshold::of_test_set`]): no promise for new parts.
    MiddleOfGap {
        /// Good photos of that set.
        n_normal: u64,
        /// Defective photos of that set.
        n_anomalous: u64,
    },
    /// The highest score of the good photos of such a test set, where defective ones score lower: no promise for new parts.
    HighestGood {
        /// Good photos of that set.
        n_normal: u64,
    },
    /// Somebody's choice.
    Manual,
}

/// What a calibrated threshold promises, and on what grounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The share of good parts called anomalous is at most this ...
    pub fpr: f64,
    /// ... with this confidence.
    pub confidence: f64,
    /// Good photos scored.
    pub n: usize,
    /// The threshold is the `rank`-th largest of their scores, from 1.
    pub rank: usize,
    /// Where the scores come from.
    pub source: GoodScoreSource,
}

/// Where scores of good parts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodScoreSource {
    /// Photos that the model has not seen: the promise is for this model.
    HeldOut,
    /// Each photo scored by a model that was fitted without its fold: an estimate. Each of those models has seen fewer
    /// photos than the one that the threshold is stored in, and as a rule scores good parts higher, so the threshold
    /// is as a rule too high rather than too low; it is not proven for the model itself.
    CrossFitted {
        /// Number of folds.
        folds: usize,
    },
}

impl Threshold {
    /// A threshold that somebody chose.
    pub fn manual(value: f32) -> Self {
        Self { value, origin: ThresholdOrigin::Manual }
    }

    /// The threshold with the largest F1, as `score > value`: F1-max counts `score >= threshold`, so the value is the
    /// next smaller float.
    pub fn f1_max(best: crate::F1Max, n_normal: u64, n_anomalous: u64) -> Self {
        Self { value: best.threshold.next_down(), origin: ThresholdOrigin::F1Max { n_normal, n_anomalous } }
    }

    /// Anomalous when the score is strictly greater than the value, or no number.
    pub fn verdict(&self, score: f32) -> Verdict {
        if score <= self.value { Verdict::Good } else { Verdict::Anomalous }
    }
}

impl ThresholdOrigin {
    /// When the threshold ceases to hold: one sentence for people, without a full stop.
    pub fn holds_until(&self) -> &'static str {
        match self {
            Self::Manual => "it promises nothing, and means nothing for another model",
            Self::F1Max { .. } | Self::MiddleOfGap { .. } | Self::HighestGood { .. } => {
                "it promises nothing for parts outside that test set, and means nothing for another model"
            }
            Self::Calibrated(Calibration { source: GoodScoreSource::HeldOut, .. }) => {
                "it holds for this model and for parts, light and camera as in those photos: calibrate again after any change"
            }
            Self::Calibrated(Calibration { source: GoodScoreSource::CrossFitted { .. }, .. }) => {
                "an estimate for this model and for parts, light and camera as in those photos: calibrate on photos outside the fit"
            }
        }
    }
}

/// In percent, as people write it: 0.07 is 7, not 7.000000000000001.
fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

impl std::fmt::Display for ThresholdOrigin {
    /// One sentence for people, without a full stop.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ThresholdOrigin::Manual => f.write_str("set by hand"),
            ThresholdOrigin::F1Max { n_normal, n_anomalous } => {
                write!(f, "largest F1, chosen on a test set ({n_normal} normal, {n_anomalous} anomalous)")
            }
            ThresholdOrigin::MiddleOfGap { n_normal, n_anomalous } => {
                write!(
                    f,
                    "the middle of the gap between the scores of {n_normal} good and {n_anomalous} defective photos of a test set"
                )
            }
            ThresholdOrigin::HighestGood { n_normal } => {
                write!(f, "the highest of the scores of {n_normal} good photos of a test set")
            }
            ThresholdOrigin::Calibrated(Calibration { fpr, confidence, n, rank, source }) => {
                let (rate, sure) = (percent(*fpr), percent(*confidence));
                match source {
                    GoodScoreSource::HeldOut => {
                        write!(f, "at most {rate} % false alarms with {sure} % confidence, ")?;
                        write!(f, "number {rank} of the scores of {n} held-out good photos")
                    }
                    GoodScoreSource::CrossFitted { folds } => {
                        write!(f, "estimated for {rate} % false alarms at {sure} % confidence, ")?;
                        write!(f, "number {rank} of the scores of {n} good photos cross-fitted in {folds} folds")
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::f1_max;

    #[test]
    fn equal_to_the_threshold_is_good() {
        let threshold = Threshold::manual(1.5);
        assert_eq!(threshold.verdict(1.5), Verdict::Good);
        assert_eq!(threshold.verdict(1.5_f32.next_up()), Verdict::Anomalous);
    }

    #[test]
    fn what_is_no_number_is_not_good() {
        assert_eq!(Threshold::manual(1.5).verdict(f32::NAN), Verdict::Anomalous);
    }

    #[test]
    fn f1_max_gives_the_verdicts_that_it_was_chosen_for() {
        let (scores, labels) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        let threshold = Threshold::f1_max(f1_max(&scores, &labels).unwrap(), 2, 2);
        let called = scores.map(|score| threshold.verdict(score) == Verdict::Anomalous);
        assert_eq!(called, [false, true, true, true]);
    }

    #[test]
    fn rates_are_said_as_people_write_them() {
        let said = |fpr| {
            let source = GoodScoreSource::HeldOut;
            ThresholdOrigin::Calibrated(Calibration { fpr, confidence: 0.95, n: 99, rank: 1, source }).to_string()
        };
        for (fpr, text) in [(0.07, "at most 7 % "), (0.2589, "at most 25.89 % "), (0.001, "at most 0.1 % ")] {
            assert!(said(fpr).starts_with(text), "{}", said(fpr));
        }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let source = GoodScoreSource::CrossFitted { folds: 5 };
        let calibration = Calibration { fpr: 0.05, confidence: 0.95, n: 100, rank: 1, source };
        let image = Threshold { value: 0.1 + 0.2, origin: ThresholdOrigin::Calibrated(calibration) };
        let pixel = Threshold { value: f32::MIN_POSITIVE, origin: ThresholdOrigin::Manual };
        let thresholds = Thresholds { image: Some(image), pixel: Some(pixel) };
        let json = serde_json::to_string(&thresholds).unwrap();
        assert_eq!(serde_json::from_str::<Thresholds>(&json).unwrap(), thresholds, "{json}");
    }
}
