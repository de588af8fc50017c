//! The same photos by two models: how many each has, and by how many the second has more.

use serde::{Deserialize, Serialize};

use crate::threshold::lower_tail;
use crate::{Interval, MetricError};

/// How often chance alone is taken for a difference, at most.
const SIGNIFICANCE: f64 = 0.05;
/// Of the standard normal distribution, 2.5 % lie above it.
const Z: f64 = 1.959_963_984_540_054;

/// How many of the same photos are called defective by the first model, and by the second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedCount {
    /// Of so many photos.
    pub of: usize,
    /// Called defective by the first.
    pub first: usize,
    /// Called defective by the second.
    pub second: usize,
    /// Called defective by the second alone.
    pub gained: usize,
    /// Called defective by the first alone.
    pub lost: usize,
    /// 95 % interval of `second - first`, in photos. 0 lies outside only where the exact sign test agrees: six photos at least must
    /// have changed sides.
    pub interval: Interval,
}

impl PairedCount {
    /// Which photos the first calls defective, and which of the same photos the second does; `None` without photos.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] where they are not the same photos.
    pub fn new(first: &[bool], second: &[bool]) -> Result<Option<Self>, MetricError> {
        if first.len() != second.len() {
            let what = "the second's verdicts".to_owned();
            return Err(MetricError::LengthMismatch { what, expected: first.len(), found: second.len() });
        }
        let count = |wanted: (bool, bool)| first.iter().zip(second).filter(|(a, b)| (**a, **b) == wanted).count();
        let (both, gained, lost, neither) =
            (count((true, true)), count((false, true)), count((true, false)), count((false, false)));
        let of = first.len();
        if of == 0 {
            return Ok(None);
        }
        let interval = newcombe([both, gained, lost, neither].map(|count| count as f64));
        let count = Self { of, first: both + lost, second: both + gained, gained, lost, interval };
        // With as many of both expected, so uneven a number is seen twice as often as its one tail.
        let is_chance = 2.0 * lower_tail(gained + lost, gained.min(lost), 0.5) > SIGNIFICANCE;
        let nothing = Interval { low: 0.0, high: 0.0 };
        Ok(Some(if is_chance { count.widened(nothing) } else { count }))
    }

    /// `second - first`.
    pub fn difference(&self) -> i64 {
        self.gained as i64 - self.lost as i64
    }

    /// 1 where the second has more beyond what chance makes of such photos, -1 where it has fewer, else 0.
    pub fn sign(&self) -> i8 {
        i8::from(self.interval.low > 0.0) - i8::from(self.interval.high < 0.0)
    }

    /// The same with an interval that holds another one too.
    #[must_use]
    pub(crate) fn widened(self, other: Interval) -> Self {
        let interval = Interval { low: self.interval.low.min(other.low), high: self.interval.high.max(other.high) };
        Self { interval, ..self }
    }
}

/// Newcombe's method 10, in photos: of both, of the second alone, of the first alone, of neither.
fn newcombe([both, gained, lost, neither]: [f64; 4]) -> Interval {
    let n = both + gained + lost + neither;
    let wilson = |count: f64| {
        let (middle, half) = (2.0 * count + Z * Z, Z * (Z * Z + 4.0 * count * (n - count) / n).sqrt());
        let width = 2.0 * (n + Z * Z);
        (((middle - half) / width).max(0.0), ((middle + half) / width).min(1.0))
    };
    let (first, second) = ((both + lost) / n, (both + gained) / n);
    let ((low_1, high_1), (low_2, high_2)) = (wilson(both + lost), wilson(both + gained));
    let margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither);
    let product = both * neither - gained * lost;
    // With Newcombe's correction for continuity, and 0 where all photos are alike.
    let correlation = match (margins > 0.0, product > 0.0) {
        (false, _) => 0.0,
        (true, true) => (product - n / 2.0).max(0.0) / margins.sqrt(),
        (true, false) => product / margins.sqrt(),
    };
    let far = |x: f64, y: f64| (x * x - 2.0 * correlation * x * y + y * y).max(0.0).sqrt();
    let difference = second - first;
    Interval {
        low: n * (difference - far(second - low_2, high_1 - first)),
        high: n * (difference + far(high_2 - second, first - low_1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(both: usize, gained: usize, lost: usize, neither: usize) -> PairedCount {
        let verdicts = |of_both: bool, of_gained: bool, of_lost: bool| {
            [(of_both, both), (of_gained, gained), (of_lost, lost), (false, neither)]
                .iter()
                .flat_map(|(called, count)| vec![*called; *count])
                .collect::<Vec<bool>>()
        };
        PairedCount::new(&verdicts(true, false, true), &verdicts(true, true, false)).unwrap().unwrap()
    }

    /// The share of all outcomes of 24 photos whose interval holds the true difference, summed exactly.
    fn coverage([both, gained, lost]: [f64; 3]) -> f64 {
        const N: usize = 24;
        let factorials: Vec<f64> = (0..=N)
            .scan(0.0, |sum, n| {
                *sum += (n.max(1) as f64).ln();
                Some(*sum)
            })
            .collect();
        let neither = 1.0 - both - gained - lost;
        let log = |share: f64, count: usize| if count == 0 { 0.0 } else { count as f64 * share.ln() };
        let mut covered = 0.0;
        for a in 0..=N {
            for b in 0..=N - a {
                for c in 0..=N - a - b {
                    let d = N - a - b - c;
                    let ways = factorials[N] - factorials[a] - factorials[b] - factorials[c] - factorials[d];
                    let chance = (ways + log(both, a) + log(gained, b) + log(lost, c) + log(neither, d)).exp();
                    let holds = newcombe([a, b, c, d].map(|count| count as f64)).contains(N as f64 * (gained - lost));
                    covered += if holds { chance } else { 0.0 };
                }
            }
        }
        covered
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let truths = [
            [0.5, 0.2, 0.05],
            [0.25, 0.25, 0.25],
            [0.9, 0.04, 0.04],
            [0.7, 0.1, 0.1],
            [0.3, 0.5, 0.02],
            [0.05, 0.15, 0.0],
            [0.96, 0.01, 0.01],
            [0.4, 0.05, 0.05],
        ];
        let coverages = truths.map(coverage);
        assert!(coverages.iter().all(|coverage| *coverage > 0.935), "{coverages:?}");
        let mean = coverages.iter().sum::<f64>() / coverages.len() as f64;
        assert!((0.95..0.985).contains(&mean), "{mean}: neither too short nor far too long");
    }

    #[test]
    fn counts_and_their_edges() {
        let count = of(20, 12, 2, 16);
        assert_eq!((count.first, count.second, count.difference(), count.of), (22, 32, 10, 50));
        assert!(count.interval.low > 2.0 && count.interval.high < 18.0, "{count:?}");
        assert_eq!((count.sign(), of(20, 2, 12, 16).sign(), of(20, 3, 2, 25).sign()), (1, -1, 0));
        // Two of two are chance, and so are five; six are not.
        assert_eq!((of(0, 2, 0, 0).sign(), of(0, 5, 0, 0).sign(), of(0, 6, 0, 0).sign()), (0, 0, 1));
        // Where no photo changes sides, more photos might have.
        let Interval { low, high } = of(60, 0, 0, 0).interval;
        assert!((-4.0..-3.0).contains(&low) && (3.0..4.0).contains(&high), "{low} {high}");
        assert_eq!(PairedCount::new(&[], &[]), Ok(None));
        assert!(PairedCount::new(&[true], &[]).is_err());
    }

    /// Exchanged models have the interval of the other sign.
    #[test]
    fn the_order_changes_the_sign_alone() {
        for (both, gained, lost, neither) in [(5, 3, 1, 9), (0, 4, 4, 0), (7, 0, 6, 1), (0, 0, 0, 3)] {
            let (there, back) = (of(both, gained, lost, neither).interval, of(both, lost, gained, neither).interval);
            assert!((there.low + back.high).abs() < 1e-9 && (there.high + back.low).abs() < 1e-9);
            assert!(there.low <= gained as f64 - lost as f64 && gained as f64 - lost as f64 <= there.high);
        }
    }
}
