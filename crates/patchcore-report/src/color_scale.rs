//! The one scale of a model's pictures: which score has which colour, and how much of it, the same in every picture.

use crate::ReportError;
use crate::plasma::plasma;

/// What the values of a map mean, from low to high: good parts, the pixel threshold, as defective as a picture can show. In the unit of
/// the maps.
///
/// The lower half of the colours lies between `low` and `threshold`, the upper half between `threshold` and `high`; what lies outside
/// has the colour of the nearer end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScale {
    /// Good parts lie at or below it; an overlay leaves them untouched.
    pub low: f32,
    /// The pixel threshold, in the middle of the colours: what lies above it is inside the contour.
    pub threshold: f32,
    /// Score with the last colour.
    pub high: f32,
}

/// Share of the colour in an overlay at the threshold; at [`CLEAR`], where a picture that says "defect" must not look like the photo; and
/// at the top of the scale: the part stays visible underneath.
const AT_THRESHOLD: f32 = 0.10;
const AT_CLEAR: f32 = 0.5;
const STRONGEST: f32 = 0.8;
/// The place on the scale a tenth above the threshold, of the way from there to the top.
const CLEAR: f32 = 0.55;

impl ColorScale {
    /// Place of a score on the scale, clamped to [0, 1]: 0.5 at the threshold.
    pub fn fraction(&self, score: f32) -> f32 {
        let half = |from: f32, to: f32| ((score - from) / (to - from)).clamp(0.0, 1.0) / 2.0;
        match score > self.threshold {
            true => 0.5 + half(self.threshold, self.high),
            false => half(self.low, self.threshold),
        }
    }

    /// The score at a place on the scale: the inverse of [`ColorScale::fraction`].
    pub fn score(&self, fraction: f32) -> f32 {
        let between = |from: f32, to: f32, along: f32| from + (to - from) * along;
        match fraction > 0.5 {
            true => between(self.threshold, self.high, 2.0 * fraction - 1.0),
            false => between(self.low, self.threshold, 2.0 * fraction),
        }
    }

    /// The colour of a place on the scale.
    pub(crate) fn color(fraction: f32) -> [u8; 3] {
        plasma(fraction)
    }

    /// The share of that colour in an overlay, in [0, 1]: none where parts are good, and a visible one from the threshold on.
    pub(crate) fn share(fraction: f32) -> f32 {
        let along = |from: f32, to: f32| (fraction - from) / (to - from);
        match fraction {
            // Flat at the low end, so that noise just above it stays invisible.
            ..0.5 => AT_THRESHOLD * along(0.0, 0.5).powi(3),
            ..CLEAR => AT_THRESHOLD + (AT_CLEAR - AT_THRESHOLD) * along(0.5, CLEAR),
            _ => AT_CLEAR + (STRONGEST - AT_CLEAR) * along(CLEAR, 1.0),
        }
    }

    /// Refuses a scale without extent on one side of its threshold.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        let Self { low, threshold, high } = *self;
        if low < threshold && threshold < high && (high - low).is_finite() {
            Ok(())
        } else {
            Err(ReportError::InvalidScale { low, threshold, high })
        }
    }
}

/// Refuses NaN and infinities.
pub(crate) fn check_finite(map: &[f32]) -> Result<(), ReportError> {
    match map.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        Some((index, &value)) => Err(ReportError::NonFiniteScore { index, value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: ColorScale = ColorScale { low: 1.0, threshold: 2.0, high: 4.0 };

    #[test]
    fn the_threshold_is_the_middle_of_the_colours() {
        let fractions = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 9.0].map(|score| SCALE.fraction(score));
        assert_eq!(fractions, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]);
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|fraction| SCALE.score(fraction)), [1.0, 1.5, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn what_is_good_keeps_the_photo_and_what_is_not_shows() {
        assert_eq!(ColorScale::share(0.0), 0.0);
        let shares: Vec<f32> = (0..=100).map(|at| ColorScale::share(at as f32 / 100.0)).collect();
        assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]), "{shares:?}");
        assert!(ColorScale::share(CLEAR) > 3.0 * ColorScale::share(0.5));
    }

    #[test]
    fn a_scale_has_an_extent_on_both_sides() {
        assert!(SCALE.check().is_ok());
        for wrong in [
            ColorScale { low: 2.0, ..SCALE },
            ColorScale { high: 2.0, ..SCALE },
            ColorScale { threshold: f32::NAN, ..SCALE },
            ColorScale { high: f32::INFINITY, ..SCALE },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
