//! The thresholds at which two models are compared.

use serde::{Deserialize, Serialize};

use crate::threshold::{Calibration, Threshold, ThresholdOrigin};

/// The rate at which models are compared that are calibrated for none.
const USUAL_RATE: f64 = 0.05;

/// How the thresholds of a comparison came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatingBasis {
    /// Both models are calibrated for one rate, at one confidence, from one kind of photos: each at its own threshold.
    CalibratedAlike,
    /// The thresholds were chosen differently, or there are none: those that give both the same number of false alarms on the common
    /// good photos.
    EqualFalseAlarms,
}

/// Two thresholds whose verdicts can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// How they came about.
    pub basis: OperatingBasis,
    /// Scores of the first above it are called defective.
    pub first: f32,
    /// The same of the second.
    pub second: f32,
    /// Calibrated alike: the rate of false alarms that both are calibrated for. Else the rate that was aimed at: the one that the first, or
    /// the second, is calibrated for, or 5 %.
    pub rate: f64,
}

impl OperatingPoint {
    /// The thresholds to compare two models at: `stored` are those that they carry, `first` and `second` their scores of the same good
    /// photos, all finite. `None` where neither is calibrated alike nor any good photo is there.
    pub fn choose(stored: [Option<Threshold>; 2], first: &[f32], second: &[f32]) -> Option<Self> {
        let calibration = |threshold: Option<Threshold>| match threshold?.origin {
            ThresholdOrigin::Calibrated(calibration) => Some(calibration),
            _ => None,
        };
        let [of_first, of_second] = stored.map(calibration);
        if let ([Some(own_first), Some(own_second)], Some(a), Some(b)) = (stored, of_first, of_second)
            && is_alike(&a, &b)
        {
            let basis = OperatingBasis::CalibratedAlike;
            return Some(Self { basis, first: own_first.value, second: own_second.value, rate: a.fpr });
        }
        let rate = of_first.or(of_second).map_or(USUAL_RATE, |calibration| calibration.fpr);
        let (_, [at_first, at_second]) = Self::equal_false_alarms(first, second, rate)?;
        Some(Self { basis: OperatingBasis::EqualFalseAlarms, first: at_first, second: at_second, rate })
    }

    /// The lowest thresholds at which both models call the same number of the good photos defective, and at most this share of them; with
    /// the number. `None` without photos. Equal scores may leave no common number but 0.
    pub fn equal_false_alarms(first: &[f32], second: &[f32], rate: f64) -> Option<(usize, [f32; 2])> {
        let sorted = |scores: &[f32]| {
            let mut scores = scores.to_vec();
            scores.sort_by(|a, b| b.total_cmp(a));
            scores
        };
        let (first, second) = (sorted(first), sorted(second));
        // In whole photos: 5 % of 40 are 2.
        let most = (rate * first.len().min(second.len()) as f64 + 1e-9) as usize;
        (0..=most).rev().find_map(|rank| {
            let at = |scores: &[f32]| {
                let threshold = *scores.get(rank).or(scores.last())?;
                Some((scores.iter().take_while(|score| **score > threshold).count(), threshold))
            };
            let ((alarms, at_first), (of_second, at_second)) = (at(&first)?, at(&second)?);
            (alarms == of_second).then_some((alarms, [at_first, at_second]))
        })
    }
}

/// Whether two thresholds promise the same on the same grounds; the number of photos and the rank may differ.
fn is_alike(a: &Calibration, b: &Calibration) -> bool {
    let near = |x: f64, y: f64| (x - y).abs() <= 1e-9;
    near(a.fpr, b.fpr) && near(a.confidence, b.confidence) && a.source == b.source
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::GoodScoreSource;

    fn calibrated(value: f32, fpr: f64, source: GoodScoreSource) -> Option<Threshold> {
        let calibration = Calibration { fpr, confidence: 0.95, n: 60, rank: 1, source };
        Some(Threshold { value, origin: ThresholdOrigin::Calibrated(calibration) })
    }

    const GOOD: [f32; 20] = [1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16., 17., 18., 19., 20.];

    #[test]
    fn own_thresholds_hold_only_where_both_are_calibrated_alike() {
        let held_out = GoodScoreSource::HeldOut;
        let second = GOOD.map(|score| 100.0 - score);
        let basis = |a, b| OperatingPoint::choose([a, b], &GOOD, &second).unwrap();
        let own = basis(calibrated(7.5, 0.1, held_out), calibrated(9.5, 0.1, held_out));
        assert_eq!(own, OperatingPoint { basis: OperatingBasis::CalibratedAlike, first: 7.5, second: 9.5, rate: 0.1 });
        for other in [
            None,
            Some(Threshold::manual(9.5)),
            calibrated(9.5, 0.05, held_out),
            calibrated(9.5, 0.1, GoodScoreSource::CrossFitted { folds: 5 }),
        ] {
            // Two of twenty: the third largest is the threshold.
            let equal = basis(calibrated(7.5, 0.1, held_out), other);
            let basis = OperatingBasis::EqualFalseAlarms;
            assert_eq!(equal, OperatingPoint { basis, first: 18.0, second: 97.0, rate: 0.1 }, "{other:?}");
        }
        // One of twenty, where nothing is promised.
        assert_eq!(basis(Some(Threshold::manual(1.0)), None).first, 19.0);
        assert_eq!(OperatingPoint::choose([None, None], &[], &[]), None);
    }

    #[test]
    fn both_have_the_same_number_of_false_alarms() {
        let ties = [20.0, 20.0, 20.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        // Two of ten are asked for; the second has three at once, or none.
        assert_eq!(OperatingPoint::equal_false_alarms(&GOOD[..10], &ties, 0.2), Some((0, [10.0, 20.0])));
        assert_eq!(OperatingPoint::equal_false_alarms(&GOOD[..10], &ties, 0.3), Some((3, [7.0, 1.0])));
        assert_eq!(OperatingPoint::equal_false_alarms(&GOOD, &GOOD, 0.0), Some((0, [20.0, 20.0])));
        assert_eq!(OperatingPoint::equal_false_alarms(&[], &[], 0.05), None);
        assert_eq!(OperatingPoint::equal_false_alarms(&[1.0], &[2.0], 1.0), Some((0, [1.0, 2.0])));
    }
}
