//! The order statistic of good scores that keeps a false-positive rate at a confidence.

use super::binomial::{largest_within, lower_tail};
use super::{Calibration, CalibrationError, GoodScoreSource, Threshold, ThresholdOrigin};

/// The lowest of the good `scores` as threshold for which P\[false-positive rate <= `fpr`\] >= `confidence`; how and under
/// which conditions is in [the module](super).
///
/// # Errors
/// [`CalibrationError`]: too few scores for this promise, a rate or confidence outside (0, 1), a score that is not
/// finite.
///
/// # Examples
/// ```
/// use patchcore_metrics::threshold::{CalibrationError, GoodScoreSource, Verdict, calibrate};
///
/// let scores: Vec<f32> = (1..=59).map(|score| score as f32).collect();
/// let threshold = calibrate(&scores, 0.05, 0.95, GoodScoreSource::HeldOut)?;
/// assert_eq!(threshold.value, 59.0);
/// assert_eq!(threshold.verdict(59.0), Verdict::Good);
///
/// let refused = calibrate(&scores[..58], 0.05, 0.95, GoodScoreSource::HeldOut);
/// assert!(matches!(refused, Err(CalibrationError::TooFewScores { needed: 59, .. })));
/// # Ok::<(), CalibrationError>(())
/// ```
#[expect(clippy::indexing_slicing, reason = "1 <= rank <= n by construction")]
pub fn calibrate(
    scores: &[f32],
    fpr: f64,
    confidence: f64,
    source: GoodScoreSource,
) -> Result<Threshold, CalibrationError> {
    if let Some((index, value)) = scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        return Err(CalibrationError::NotFinite { index, value: *value });
    }
    let n = scores.len();
    let rank = rank_of(n, fpr, confidence)?;
    let mut descending = scores.to_vec();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let value = descending[rank - 1];
    let calibration = Calibration { fpr, confidence, n, rank, source };
    Ok(Threshold { value, origin: ThresholdOrigin::Calibrated(calibration) })
}

/// The largest rank r, from 1, such that the r-th largest of `n` scores keeps the promise.
///
/// # Errors
/// [`CalibrationError::TooFewScores`] and [`CalibrationError::OutOfRange`].
pub fn rank_of(n: usize, fpr: f64, confidence: f64) -> Result<usize, CalibrationError> {
    check("fpr", fpr, 0.01)?;
    check("confidence", confidence, 0.95)?;
    match largest_within(n, fpr, 1.0 - confidence) {
        // P[Bin <= r - 1] <= d.
        Some(largest) => Ok(largest + 1),
        None => {
            let needed = photos_needed(fpr, confidence)?;
            let supported = smallest_rate(n, confidence)?;
            Err(CalibrationError::TooFewScores { n, fpr, confidence, needed, supported })
        }
    }
}

/// The smallest number of good photos that supports a rate at a confidence: the smallest n with (1 - a)ⁿ <= d.
///
/// # Errors
/// [`CalibrationError::OutOfRange`].
pub fn photos_needed(fpr: f64, confidence: f64) -> Result<usize, CalibrationError> {
    check("fpr", fpr, 0.01)?;
    check("confidence", confidence, 0.95)?;
    let enough = |n: usize| lower_tail(n, 0, fpr) <= 1.0 - confidence;
    let mut n = ((1.0 - confidence).ln() / (-fpr).ln_1p()).ceil().max(1.0) as usize;
    // The quotient's rounding may be off by one either way; n = 0 promises nothing.
    while n > 1 && enough(n - 1) {
        n -= 1;
    }
    while !enough(n) && n < usize::MAX {
        n += 1;
    }
    Ok(n)
}

/// The smallest rate that `n` good photos support at a confidence, 1 - d^(1/n); 1 for none.
///
/// # Errors
/// [`CalibrationError::OutOfRange`].
pub fn smallest_rate(n: usize, confidence: f64) -> Result<f64, CalibrationError> {
    check("confidence", confidence, 0.95)?;
    Ok(if n == 0 { 1.0 } else { 1.0 - (1.0 - confidence).powf(1.0 / n as f64) })
}

/// The smallest rate that `n` good photos support at a confidence, rounded up to a hundredth of a percent: what can be promised of them
/// at best, as people write it.
///
/// # Errors
/// [`CalibrationError`]: no photo, or a confidence outside (0, 1).
///
/// # Examples
/// ```
/// use patchcore_metrics::threshold::strongest_promise;
///
/// assert_eq!(strongest_promise(10, 0.95)?, 0.2589);
/// # Ok::<(), patchcore_metrics::threshold::CalibrationError>(())
/// ```
pub fn strongest_promise(n: usize, confidence: f64) -> Result<f64, CalibrationError> {
    let hundredths = (smallest_rate(n, confidence)? * 1e4).ceil();
    // Where the rate is such a number itself, rounding may have made it too small.
    let kept = [hundredths, hundredths + 1.0].map(|hundredths| hundredths / 1e4);
    match kept.into_iter().find(|fpr| rank_of(n, *fpr, confidence).is_ok()) {
        Some(fpr) => Ok(fpr),
        None => rank_of(n, kept[0].min(0.9999), confidence).map(|_| kept[0]),
    }
}

fn check(name: &'static str, value: f64, example: f64) -> Result<(), CalibrationError> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(CalibrationError::OutOfRange { name, value, example }) }
}

#[cfg(test)]
mod tests {
    use super::super::oracle;
    use super::*;

    #[test]
    fn the_numbers_of_photos_are_those_that_are_promised() {
        for (fpr, needed) in [(0.10, 29), (0.05, 59), (0.02, 149), (0.01, 299)] {
            assert_eq!(photos_needed(fpr, 0.95).unwrap(), needed);
            assert_eq!(rank_of(needed, fpr, 0.95).unwrap(), 1);
            let refused = rank_of(needed - 1, fpr, 0.95).unwrap_err();
            let CalibrationError::TooFewScores { supported, .. } = refused else { panic!("{refused}") };
            assert!(supported > fpr && supported < fpr * 1.05, "{supported}");
        }
    }

    #[test]
    fn the_rank_is_the_largest_that_the_definition_allows() {
        for n in [1, 10, 29, 40, 59, 100, 149, 200] {
            for fpr in [0.01, 0.02, 0.05, 0.1, 0.3] {
                let keeps = |rank: usize| oracle::lower_tail(n, rank - 1, fpr) <= 0.05;
                let expected = (1..=n).rev().find(|rank| keeps(*rank));
                assert_eq!(rank_of(n, fpr, 0.95).ok(), expected, "{n} {fpr}");
            }
        }
    }

    #[test]
    fn the_strongest_promise_is_kept_and_no_smaller_one_is() {
        for n in 1..400 {
            let fpr = strongest_promise(n, 0.95).unwrap();
            assert_eq!(rank_of(n, fpr, 0.95).unwrap(), 1, "{n}");
            assert!(rank_of(n, fpr - 1.001e-4, 0.95).is_err(), "{n} {fpr}");
        }
        assert!(matches!(strongest_promise(0, 0.95), Err(CalibrationError::TooFewScores { n: 0, .. })));
        assert!(strongest_promise(10, 1.5).is_err());
    }

    #[test]
    fn a_refusal_says_what_would_be_enough_and_what_there_is_enough_for() {
        let message = calibrate(&[1.0; 40], 0.01, 0.95, GoodScoreSource::HeldOut).unwrap_err().to_string();
        for needle in ["40 photos", "1 %", "95 %", "299 are needed", "40 support 7.22 %"] {
            assert!(message.contains(needle), "{needle}: {message}");
        }
        let message = calibrate(&[], 0.01, 0.95, GoodScoreSource::HeldOut).unwrap_err().to_string();
        assert!(message.contains("support no rate"), "{message}");
    }

    #[test]
    fn what_is_no_rate_or_no_score_is_refused() {
        for value in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
            let refused = calibrate(&[1.0; 300], value, 0.95, GoodScoreSource::HeldOut).unwrap_err();
            assert!(matches!(refused, CalibrationError::OutOfRange { name: "fpr", .. }), "{refused}");
            let refused = calibrate(&[1.0; 300], 0.1, value, GoodScoreSource::HeldOut).unwrap_err();
            assert!(matches!(refused, CalibrationError::OutOfRange { name: "confidence", .. }), "{refused}");
        }
        let refused = calibrate(&[1.0, f32::NAN], 0.1, 0.95, GoodScoreSource::HeldOut).unwrap_err();
        assert!(matches!(refused, CalibrationError::NotFinite { index: 1, .. }), "{refused}");
    }
}
