//! A confidence interval, and the two functions of the normal distribution that make one.

use serde::{Deserialize, Serialize};

use super::MetricError;

/// A confidence interval, `[low, high]` in JSON. The confidence is that of the call that made it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end, at least `low`.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The interval of an estimate with a normal error.
    pub(super) fn normal(estimate: f64, variance: f64, confidence: f64) -> Result<Self, MetricError> {
        let half = normal_quantile(0.5 + check_confidence(confidence)? / 2.0) * variance.sqrt();
        Ok(Self { low: estimate - half, high: estimate + half })
    }

    /// The middle `confidence` of sorted replicates, linearly between neighbours (NumPy's default quantile); `None` for
    /// no replicates.
    pub(super) fn percentile(sorted: &[f64], confidence: f64) -> Option<Self> {
        let quantile = |share: f64| {
            let position = share * sorted.len().checked_sub(1)? as f64;
            let (low, high) = (sorted.get(position.floor() as usize)?, sorted.get(position.ceil() as usize)?);
            Some(low + (high - low) * position.fract())
        };
        Some(Self { low: quantile(0.5 - confidence / 2.0)?, high: quantile(0.5 + confidence / 2.0)? })
    }
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

pub(super) fn check_confidence(confidence: f64) -> Result<f64, MetricError> {
    let inside = confidence > 0.0 && confidence < 1.0;
    if inside { Ok(confidence) } else { Err(MetricError::InvalidConfidence { confidence }) }
}

/// P\[|Z| >= |z|\] of a standard normal Z.
pub(super) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The z with P\[Z <= z\] = `share`, for a share in [0.5, 1): bisection, to the last bit that matters.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle / std::f64::consts::SQRT_2) / 2.0 > 1.0 - share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (share, z) in [(0.975, 1.959_963_984_540_054), (0.995, 2.575_829_303_548_901), (0.5, 0.0)] {
            assert!((normal_quantile(share) - z).abs() < 1e-9, "{share}");
        }
        assert!((two_sided_p(1.959_963_984_540_054) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn percentiles_lie_between_neighbours() {
        let interval = Interval::percentile(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.9).unwrap();
        assert!((interval.low - 0.2).abs() < 1e-12 && (interval.high - 3.8).abs() < 1e-12, "{interval:?}");
        assert_eq!(Interval::percentile(&[7.0], 0.95), Some(Interval { low: 7.0, high: 7.0 }));
        assert_eq!(Interval::percentile(&[], 0.95), None);
        assert_eq!(serde_json::to_string(&interval).unwrap().matches(',').count(), 1);
        assert!(matches!(check_confidence(1.0), Err(MetricError::InvalidConfidence { .. })));
    }
}
