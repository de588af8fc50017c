//! An interval of a median from order statistics: no model of the noise, no random draws.

/// The least share of medians that an interval must hold.
const CONFIDENCE: f64 = 0.95;

/// A median and an interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MedianInterval {
    /// The median.
    pub median: f64,
    /// The interval's ends, both of them values that were measured.
    pub ends: (f64, f64),
    /// The probability that such an interval holds the true median, at least 95 %.
    pub confidence: f64,
}

/// The narrowest pair of order statistics, as many values below it as above, that holds the true median with 95 %; none of
/// fewer than six values. A value is below the median with probability 1/2, so the number that are is binomial: of 20
/// values, the 6th and the 15th hold it with 95.9 %.
pub fn median_interval(values: &[f64]) -> Option<MedianInterval> {
    let mut values = values.to_vec();
    let median = super::measurement::median(&mut values);
    let count = values.len();
    let (mut outside, mut term) = (0.0, 0.5f64.powi(i32::try_from(count).ok()?));
    let mut best = None;
    for rank in 0..count / 2 {
        // `outside`: the probability that at most `rank` values are below the median, or at most so many above it.
        outside += 2.0 * term;
        term *= (count - rank) as f64 / (rank + 1) as f64;
        if outside > 1.0 - CONFIDENCE {
            break;
        }
        best = Some((rank, 1.0 - outside));
    }
    let (rank, confidence) = best?;
    let ends = (*values.get(rank)?, *values.get(count - 1 - rank)?);
    Some(MedianInterval { median, ends, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks and confidences as in the usual tables (Conover, Practical Nonparametric Statistics: n = 20, r = 6).
    #[test]
    fn of_twenty_values_the_sixth_and_the_fifteenth() {
        let mut values: Vec<f64> = (1..=20).map(f64::from).collect();
        values.reverse();
        let interval = median_interval(&values).unwrap();
        assert_eq!((interval.median, interval.ends), (10.5, (6.0, 15.0)));
        // 1 - 2 (1 + 20 + 190 + 1140 + 4845 + 15504) / 2^20
        assert!((interval.confidence - (1.0 - 2.0 * 21_700.0 / 1_048_576.0)).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn few_values_have_a_wide_interval_or_none() {
        let values = [3.0, 1.0, 2.0, 6.0, 5.0, 4.0];
        let interval = median_interval(&values).unwrap();
        assert_eq!((interval.ends, interval.confidence), ((1.0, 6.0), 1.0 - 2.0 / 64.0));
        assert_eq!(median_interval(&values[..5]), None);
        assert_eq!(median_interval(&[]), None);
    }
}
