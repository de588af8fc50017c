//! The one scale of a report: which score has which colour, the same in every picture.

use crate::ReportError;

/// Scores from `low` to `high` run through the colour map; what lies outside has the colour of the nearer end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScale {
    /// Score with the first colour, and left untouched in an overlay; in the unit of the maps.
    pub low: f32,
    /// Score with the last colour.
    pub high: f32,
}

impl ColorScale {
    /// A scale for a whole report from all its maps: from the median of all pixels to the largest score.
    ///
    /// With a threshold, the upper end is at least as far above it as the median is below, so that a set of only good
    /// parts keeps to the dark half of the colours. Memory: one copy of all scores.
    ///
    /// # Errors
    /// [`ReportError::NonFiniteScore`] when a map holds NaN or an infinity.
    pub fn covering(maps: &[&[f32]], threshold: Option<f32>) -> Result<Self, ReportError> {
        for map in maps {
            check_finite(map)?;
        }
        let mut scores = maps.concat();
        if scores.is_empty() {
            return Ok(Self { low: 0.0, high: 1.0 });
        }
        let middle = scores.len() / 2;
        let (_, &mut low, above) = scores.select_nth_unstable_by(middle, f32::total_cmp);
        let largest = above.iter().copied().fold(low, f32::max);
        let high = threshold.filter(|t| t.is_finite()).map_or(largest, |t| largest.max(2.0 * t - low));
        // Constant maps: any extent will do, as long as it is one that f32 can tell from nothing.
        let least = low + low.abs().max(1.0) * 1e-3;
        Ok(Self { low, high: high.max(least) })
    }

    /// Place of a score on the scale, clamped to [0, 1].
    pub fn fraction(&self, score: f32) -> f32 {
        ((score - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Refuses a scale without extent.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        if self.low < self.high && (self.high - self.low).is_finite() {
            Ok(())
        } else {
            Err(ReportError::InvalidScale { low: self.low, high: self.high })
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

    #[test]
    fn covering_spans_median_to_maximum() {
        let scale = ColorScale::covering(&[&[1.0, 2.0], &[9.0, 0.0, 3.0]], None).unwrap();
        assert_eq!(scale, ColorScale { low: 2.0, high: 9.0 });
        assert_eq!((scale.fraction(1.0), scale.fraction(5.5), scale.fraction(20.0)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn good_parts_stay_in_the_lower_half() {
        let scale = ColorScale::covering(&[&[1.0, 1.0, 1.2]], Some(3.0)).unwrap();
        assert_eq!(scale.high, 5.0);
        assert!(scale.fraction(3.0) <= 0.5);
    }

    #[test]
    fn degenerate_maps_still_give_a_usable_scale() {
        for maps in [vec![], vec![&[][..]], vec![&[0.0, 0.0][..]], vec![&[-5e6; 3][..]]] {
            assert!(ColorScale::covering(&maps, None).unwrap().check().is_ok(), "{maps:?}");
        }
        assert!(ColorScale::covering(&[&[f32::NAN]], None).is_err());
        assert!(ColorScale { low: 1.0, high: 1.0 }.check().is_err());
        assert!(ColorScale { low: f32::NAN, high: 1.0 }.check().is_err());
    }
}
