//! The variance of an AUROC, and of the difference of two on the same images, without resampling.
//!
//! DeLong, DeLong & Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating characteristic
//! curves" (Biometrics 44, 1988). The placement of an anomalous entry is the share of normal entries below it, ties
//! half; that of a normal entry the share of anomalous entries above it. The mean of either is the AUROC, and its
//! variance is S₁₀/m + S₀₁/n with the sample (co)variances S of m anomalous and n normal placements.
//!
//! Cost: O((m + n) log(m + n)). Not to be used near 0 or 1: an AUROC of 1 has all placements 1 and so variance 0, which
//! says nothing about new images; see [`bootstrap`](super::Bootstrap), which has the same limit, and count the images.

use super::interval::{check_confidence, two_sided_p};
use super::{Interval, MetricError};

/// An AUROC with its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelongAuroc {
    /// Area under the ROC curve, in [0, 1].
    pub auroc: f64,
    /// Its estimated variance.
    pub variance: f64,
}

/// The difference of the AUROCs of two detectors on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelongDifference {
    /// AUROC of the first.
    pub first: f64,
    /// AUROC of the second.
    pub second: f64,
    /// `first - second`.
    pub difference: f64,
    /// Its estimated variance, with the covariance of the two.
    pub variance: f64,
    /// P of a difference at least as large if both were equally good (two-sided, normal approximation).
    pub p_value: f64,
}

impl DelongAuroc {
    /// The interval of the normal approximation of the AUROC's logit (Pepe, "The Statistical Evaluation of Medical Tests",
    /// 2003, 5.2.4): it stays in [0, 1] and covers better than the plain one where the AUROC is high. An AUROC of 0 or 1
    /// gives itself.
    ///
    /// # Errors
    /// [`MetricError::InvalidConfidence`] for a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Result<Interval, MetricError> {
        let slope = self.auroc * (1.0 - self.auroc);
        if slope <= 0.0 {
            check_confidence(confidence)?;
            return Ok(Interval { low: self.auroc, high: self.auroc });
        }
        let logit = (self.auroc / (1.0 - self.auroc)).ln();
        let Interval { low, high } = Interval::normal(logit, self.variance / (slope * slope), confidence)?;
        let back = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        Ok(Interval { low: back(low), high: back(high) })
    }
}

impl DelongDifference {
    /// The interval of the normal approximation.
    ///
    /// # Errors
    /// [`MetricError::InvalidConfidence`] for a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Result<Interval, MetricError> {
        Interval::normal(self.difference, self.variance, confidence)
    }
}

/// AUROC and its variance; `labels` is `true` for anomalous.
///
/// # Errors
/// As [`roc_curve`](super::roc_curve), and [`MetricError::TooFewForVariance`] with fewer than two entries of a class.
///
/// # Examples
/// ```
/// use patchcore_metrics::delong;
/// let estimate = delong(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!((estimate.auroc, estimate.variance), (0.75, 0.125));
/// # Ok::<(), patchcore_metrics::MetricError>(())
/// ```
pub fn delong(scores: &[f32], labels: &[bool]) -> Result<DelongAuroc, MetricError> {
    let placements = Placements::new(scores, labels)?;
    Ok(DelongAuroc { auroc: placements.auroc(), variance: placements.covariance(&placements) })
}

/// The difference of two detectors' AUROCs on the same images; `labels` is `true` for anomalous.
///
/// # Errors
/// As [`delong`].
pub fn delong_difference(first: &[f32], second: &[f32], labels: &[bool]) -> Result<DelongDifference, MetricError> {
    let (a, b) = (Placements::new(first, labels)?, Placements::new(second, labels)?);
    let difference = a.auroc() - b.auroc();
    // Rounding may leave a negative zero of a variance.
    let variance = (a.covariance(&a) + b.covariance(&b) - 2.0 * a.covariance(&b)).max(0.0);
    let p_value = if difference == 0.0 { 1.0 } else { two_sided_p(difference / variance.sqrt()) };
    Ok(DelongDifference { first: a.auroc(), second: b.auroc(), difference, variance, p_value })
}

struct Placements {
    anomalous: Vec<f64>,
    normal: Vec<f64>,
}

impl Placements {
    fn new(scores: &[f32], labels: &[bool]) -> Result<Self, MetricError> {
        // Lengths, finiteness and both classes.
        let ranked = super::ranked_scores::RankedScores::from_labels(scores, labels)?;
        let (n_normal, n_anomalous) = (ranked.n_normal(), ranked.n_anomalous());
        if n_normal < 2 || n_anomalous < 2 {
            return Err(MetricError::TooFewForVariance { n_normal, n_anomalous });
        }
        let of = |class: bool| scores.iter().zip(labels).filter(move |(_, label)| **label == class).map(|(s, _)| *s);
        let sorted = |class: bool| {
            let mut values: Vec<f32> = of(class).collect();
            values.sort_unstable_by(f32::total_cmp);
            values
        };
        let (anomalous, normal) = (sorted(true), sorted(false));
        let below = |sorted: &[f32], score: f32| {
            let (less, at_most) = (sorted.partition_point(|s| *s < score), sorted.partition_point(|s| *s <= score));
            (less + at_most) as f64 / (2 * sorted.len()) as f64
        };
        Ok(Self {
            anomalous: of(true).map(|score| below(&normal, score)).collect(),
            normal: of(false).map(|score| 1.0 - below(&anomalous, score)).collect(),
        })
    }

    fn auroc(&self) -> f64 {
        mean(&self.anomalous)
    }

    fn covariance(&self, other: &Self) -> f64 {
        sample_covariance(&self.anomalous, &other.anomalous) / self.anomalous.len() as f64
            + sample_covariance(&self.normal, &other.normal) / self.normal.len() as f64
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Divided by one less than the number of pairs.
fn sample_covariance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "one placement for each entry, of both");
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    sum / (a.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{auroc, oracle};
    use super::*;

    fn two_detectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<bool>)> {
        prop::collection::vec((-9_i8..9, -9_i8..9, any::<bool>()), 4..60)
            .prop_map(|rows| {
                let column = |pick: fn(&(i8, i8, bool)) -> i8| rows.iter().map(|row| f32::from(pick(row))).collect();
                (column(|row| row.0), column(|row| row.1), rows.iter().map(|row| row.2).collect())
            })
            .prop_filter("two of each class", |(_, _, labels): &(Vec<f32>, Vec<f32>, Vec<bool>)| {
                let anomalous = labels.iter().filter(|label| **label).count();
                anomalous >= 2 && labels.len() - anomalous >= 2
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn variances_equal_the_definition((first, second, labels) in two_detectors()) {
            let estimate = delong(&first, &labels).unwrap();
            prop_assert!((estimate.auroc - auroc(&first, &labels).unwrap()).abs() < 1e-12);
            let expected = oracle::delong_covariance(&first, &first, &labels);
            prop_assert!((estimate.variance - expected).abs() < 1e-12);
            let paired = delong_difference(&first, &second, &labels).unwrap();
            let expected = expected + oracle::delong_covariance(&second, &second, &labels)
                - 2.0 * oracle::delong_covariance(&first, &second, &labels);
            prop_assert!((paired.variance - expected).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&paired.p_value));
            let back = delong_difference(&second, &first, &labels).unwrap();
            prop_assert!((paired.difference + back.difference).abs() < 1e-12);
        }
    }

    #[test]
    fn a_detector_does_not_differ_from_itself() {
        let (scores, labels) = ([1.0, 4.0, 3.0, 2.0, 5.0], [false, true, false, true, true]);
        let same = delong_difference(&scores, &scores, &labels).unwrap();
        assert_eq!((same.difference, same.variance, same.p_value), (0.0, 0.0, 1.0));
        let perfect = delong(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]).unwrap();
        assert_eq!(perfect.interval(0.95), Ok(Interval { low: 1.0, high: 1.0 }));
        assert!(perfect.interval(1.0).is_err());
        let one = delong(&[1.0, 2.0, 3.0], &[false, true, true]).unwrap_err();
        assert_eq!(one, MetricError::TooFewForVariance { n_normal: 1, n_anomalous: 2 });
    }

    #[test]
    fn intervals_of_simulated_detectors_cover_their_true_auroc() {
        use rand_core::{Rng, SeedableRng};
        // Normal scores uniform on [0, 1), anomalous ones on [0.5, 1.5): the true AUROC is 1 - 0.5²/2 = 0.875.
        let mut random = rand_pcg::Pcg64::seed_from_u64(5);
        let mut uniform = || (random.next_u64() >> 40) as f32 / (1_u32 << 24) as f32;
        let labels: Vec<bool> = (0..100).map(|index| index % 2 == 0).collect();
        let covered = (0..1000).filter(|_| {
            let scores: Vec<f32> = labels.iter().map(|label| uniform() + if *label { 0.5 } else { 0.0 }).collect();
            delong(&scores, &labels).unwrap().interval(0.95).unwrap().contains(0.875)
        });
        let share = covered.count() as f64 / 1000.0;
        assert!((0.92..0.98).contains(&share), "{share}");
    }
}
