//! How far a counted share may be off: the exact interval of Clopper and Pearson.

use super::interval::check_confidence;
use super::threshold::lower_tail;
use super::{Interval, MetricError};

impl Interval {
    /// The exact interval of a share of which `count` of `of` independent draws were seen: the shares at which as few, and as many, are
    /// seen with a probability of at least half of what the confidence leaves (Clopper and Pearson). At both ends it covers at least as
    /// often as it says. Of no draw it is `[0, 1]`.
    ///
    /// # Errors
    /// [`MetricError::InvalidConfidence`] for a confidence outside (0, 1).
    ///
    /// # Panics
    /// Where more were seen than drawn.
    ///
    /// # Examples
    /// ```
    /// let interval = patchcore_metrics::Interval::binomial(0, 20, 0.95)?;
    /// assert!(interval.low == 0.0 && (interval.high - 0.168).abs() < 1e-3);
    /// # Ok::<(), patchcore_metrics::MetricError>(())
    /// ```
    pub fn binomial(count: usize, of: usize, confidence: f64) -> Result<Self, MetricError> {
        assert!(count <= of, "{count} of {of}");
        let tail = (1.0 - check_confidence(confidence)?) / 2.0;
        // The lower tail falls as the share rises.
        let share_with = |k: usize, probability: f64| {
            let (mut low, mut high) = (0.0, 1.0);
            // Halving 60 times is below the spacing of floats near 1.
            for _ in 0..60 {
                let middle = (low + high) / 2.0;
                if lower_tail(of, k, middle) > probability {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            (low + high) / 2.0
        };
        Ok(Self {
            low: count.checked_sub(1).map_or(0.0, |fewer| share_with(fewer, 1.0 - tail)),
            high: if count == of { 1.0 } else { share_with(count, tail) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of exact fractions, halved fifty times, and what is known in closed form.
    #[test]
    fn intervals_are_those_of_clopper_and_pearson() {
        let near = |count, of, low: f64, high: f64| {
            let found = Interval::binomial(count, of, 0.95).unwrap();
            assert!((found.low - low).abs() < 1e-9 && (found.high - high).abs() < 1e-9, "{count} of {of}: {found:?}");
        };
        // Of none seen: 1 - 0.025^(1 / n).
        near(0, 20, 0.0, 1.0 - 0.025_f64.powf(0.05));
        near(40, 40, 0.025_f64.powf(0.025), 1.0);
        near(0, 0, 0.0, 1.0);
        near(1, 1, 0.025, 1.0);
        near(5, 10, 0.187_086_028_447_398, 0.812_913_971_552_602);
        near(3, 40, 0.015_742_179_851_041, 0.203_864_748_732_898);
        assert!(Interval::binomial(1, 2, 1.0).is_err());
    }

    /// The definition: at the ends as many, or as few, are seen with a probability of 2.5 %.
    #[test]
    fn the_ends_are_where_the_tails_are() {
        for of in [1, 7, 30, 200] {
            for count in 0..=of {
                let Interval { low, high } = Interval::binomial(count, of, 0.95).unwrap();
                assert!(low <= count as f64 / of as f64 && count as f64 / of as f64 <= high);
                if count > 0 {
                    assert!((1.0 - lower_tail(of, count - 1, low) - 0.025).abs() < 1e-9, "{count} of {of}");
                }
                if count < of {
                    assert!((lower_tail(of, count, high) - 0.025).abs() < 1e-9, "{count} of {of}");
                }
            }
        }
    }
}
