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
    /// A second one for image scores, at most the first: what lies between the two is [`Verdict::LookAgain`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_again: Option<Threshold>,
    /// The score's distance from the threshold at which the [confidence](Thresholds::confidence) is three quarters, and one quarter
    /// below it; in the unit of the model's distance. Without it half the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_scale: Option<f32>,
}

impl Thresholds {
    /// Those that there are, each with its name: `image`, `pixel`, `look-again`.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Threshold)> {
        let all = [("image", self.image), ("pixel", self.pixel), ("look-again", self.look_again)];
        all.into_iter().filter_map(|(name, threshold)| Some((name, threshold?)))
    }

    /// What the thresholds make of an image score; `None` without an image threshold.
    pub fn verdict(&self, score: f32) -> Option<Verdict> {
        match (self.image?.verdict(score), self.look_again) {
            (Verdict::Good, Some(lower)) if lower.verdict(score) == Verdict::Anomalous => Some(Verdict::LookAgain),
            (verdict, _) => Some(verdict),
        }
    }

    /// How far on its side of the threshold an image score lies, in `(0, 1)`: 0.5 exactly at the threshold; `None` without an image
    /// threshold. It never falls as the score rises. It says how clear a verdict is, and is no probability.
    ///
    /// With the distance `d` of the score `s` from the threshold `t` and the scale `w` ([`Thresholds::confidence_scale`], kept between
    /// `t / 50` and `t`): `1 - w / (2 (w + d))` above the threshold, `w / (2 (w + d))` below it.
    pub fn confidence(&self, score: f32) -> Option<f32> {
        let threshold = f64::from(self.image?.value);
        let size = threshold.abs().max(f64::from(f32::MIN_POSITIVE));
        let scale = self.confidence_scale.map_or(size / 2.0, |scale| f64::from(scale).clamp(size / 50.0, size));
        let from_threshold = f64::from(score) - threshold;
        let rest = scale / (2.0 * (scale + from_threshold.abs()));
        let confidence = if from_threshold > 0.0 { 1.0 - rest } else { rest };
        // A score that is no number is anomalous, and as far from good as can be.
        let confidence = if confidence.is_nan() { 1.0 } else { confidence };
        Some((confidence as f32).clamp(f32::MIN_POSITIVE, 1.0_f32.next_down()))
    }

    /// The scale of the confidence for an image threshold: how far it lies from the median of good scores.
    pub fn scale_of_confidence(threshold: f32, median_good: f32) -> f32 {
        (threshold - median_good).abs()
    }
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

/// "2nd largest", from 1: the largest itself has no number.
fn largest(rank: usize) -> String {
    let ending = match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    if rank == 1 { "largest".to_owned() } else { format!("{rank}{ending} largest") }
}

impl std::fmt::Display for ThresholdOrigin {
    /// One sentence for people, without a full stop.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ThresholdOrigin::Manual => f.write_str("set by hand"),
            ThresholdOrigin::F1Max { n_normal, n_anomalous } => {
                write!(f, "largest F1, optimistic: chosen on the test set ({n_normal} normal, {n_anomalous} anomalous)")
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
                        write!(f, "{} of {n} held-out scores", largest(*rank))
                    }
                    GoodScoreSource::CrossFitted { folds } => {
                        write!(f, "estimated for {rate} % false alarms at {sure} % confidence, ")?;
                        write!(f, "{} of {n} cross-fitted scores ({folds} folds)", largest(*rank))
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
    fn ranks_are_said_as_people_say_them() {
        let words = [1, 2, 3, 4, 11, 12, 21, 22, 23, 101, 111].map(largest);
        let expected = ["", "2nd ", "3rd ", "4th ", "11th ", "12th ", "21st ", "22nd ", "23rd ", "101st ", "111th "];
        assert_eq!(words, expected.map(|rank| format!("{rank}largest")));
    }

    #[test]
    fn what_lies_between_two_thresholds_is_looked_at_again() {
        let manual = |value| Some(Threshold::manual(value));
        let both = Thresholds { image: manual(2.0), look_again: manual(1.0), ..Thresholds::default() };
        let verdicts = [0.5, 1.0, 1.0_f32.next_up(), 2.0, 2.0_f32.next_up(), f32::NAN].map(|score| both.verdict(score));
        let expected = [Verdict::Good; 2].into_iter().chain([Verdict::LookAgain; 2]).chain([Verdict::Anomalous; 2]);
        assert!(verdicts.into_iter().eq(expected.map(Some)), "{verdicts:?}");
        let one = Thresholds { look_again: None, ..both };
        assert_eq!((one.verdict(1.5), one.verdict(2.5)), (Some(Verdict::Good), Some(Verdict::Anomalous)));
        assert_eq!(Thresholds::default().verdict(1.0), None);
    }

    fn with_scale(threshold: f32, scale: Option<f32>) -> Thresholds {
        Thresholds { image: Some(Threshold::manual(threshold)), confidence_scale: scale, ..Thresholds::default() }
    }

    #[test]
    fn the_confidence_is_a_half_at_the_threshold_and_tells_a_thousandth_of_it_apart() {
        let scales = [None, Some(0.0), Some(1e-30), Some(0.3), Some(1e30), Some(f32::MAX)];
        for threshold in [1e-30_f32, 1.2e-3, 0.1, 1.0, 30.2, 4711.0, 1e30] {
            for thresholds in scales.map(|scale| with_scale(threshold, scale)) {
                let at = |score: f32| thresholds.confidence(score).unwrap();
                assert_eq!(at(threshold), 0.5);
                // From 0 to ten times the threshold in steps of a thousandth.
                let steps: Vec<f32> =
                    (0..=10_000).map(|step| at((f64::from(step) * 1e-3 * f64::from(threshold)) as f32)).collect();
                assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{thresholds:?}");
                assert!(steps.iter().all(|value| *value > 0.0 && *value < 1.0));
                assert!(at(f32::MAX) < 1.0 && at(-1.0) > 0.0 && at(f32::NAN) > 0.5);
            }
        }
        // A scale of a quarter of the threshold: three quarters at 1.25 thresholds.
        let quarter = with_scale(4.0, Some(1.0));
        assert_eq!([3.0, 4.0, 5.0].map(|score| quarter.confidence(score)), [0.25, 0.5, 0.75].map(Some));
        assert_eq!(Thresholds::default().confidence(1.0), None);
    }

    proptest::proptest! {
        #[test]
        fn the_confidence_never_falls(threshold in -10.0_f32..1e6, scale in 0.0_f32..1e7, score in 0.0_f32..1e8, ulps in 0_u32..3) {
            let thresholds = with_scale(threshold, Some(scale));
            let next = (0..ulps).fold(score, |score, _| score.next_up());
            proptest::prop_assert!(thresholds.confidence(score) <= thresholds.confidence(next));
        }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let source = GoodScoreSource::CrossFitted { folds: 5 };
        let calibration = Calibration { fpr: 0.05, confidence: 0.95, n: 100, rank: 1, source };
        let image = Threshold { value: 0.1 + 0.2, origin: ThresholdOrigin::Calibrated(calibration) };
        let pixel = Threshold { value: f32::MIN_POSITIVE, origin: ThresholdOrigin::Manual };
        let look_again = Some(Threshold::manual(0.25));
        let thresholds = Thresholds { image: Some(image), pixel: Some(pixel), look_again, confidence_scale: Some(0.1) };
        let json = serde_json::to_string(&thresholds).unwrap();
        assert_eq!(serde_json::from_str::<Thresholds>(&json).unwrap(), thresholds, "{json}");
    }
}
