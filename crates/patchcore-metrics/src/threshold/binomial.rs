//! The lower tail of the binomial distribution, term by term in logarithms: no factorial, no underflow that matters.

/// P\[Bin(n, p) <= k\] for 0 < p < 1, to about n rounding errors.
///
/// A term is the one before it times (n - j) p / ((j + 1)(1 - p)); a term that underflows is below 1e-300 and its loss
/// does not show in the sum.
pub(crate) fn lower_tail(n: usize, k: usize, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    let mut sum = Sum { terms: n as f64, log_odds: p.ln() - (-p).ln_1p(), log_term: n as f64 * (-p).ln_1p(), sum: 0.0 };
    for j in 0..=k {
        sum.add(j);
    }
    sum.sum.min(1.0)
}

/// The largest k with P\[Bin(n, p) <= k\] <= `bound`; `None` if even k = 0 exceeds it.
pub(super) fn largest_within(n: usize, p: f64, bound: f64) -> Option<usize> {
    let mut sum = Sum { terms: n as f64, log_odds: p.ln() - (-p).ln_1p(), log_term: n as f64 * (-p).ln_1p(), sum: 0.0 };
    let mut within = None;
    for j in 0..n {
        sum.add(j);
        if sum.sum > bound {
            break;
        }
        within = Some(j);
    }
    within
}

/// A running sum of the terms.
struct Sum {
    terms: f64,
    log_odds: f64,
    log_term: f64,
    sum: f64,
}

impl Sum {
    /// Adds term `j`, and makes `log_term` that of j + 1.
    fn add(&mut self, j: usize) {
        let j = j as f64;
        self.sum += self.log_term.exp();
        self.log_term += ((self.terms - j) / (j + 1.0)).ln() + self.log_odds;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::oracle;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn tails_equal_the_sum_over_pascals_triangle(n in 1_usize..120, share in 0.0_f64..1.0, p in 0.001_f64..0.999) {
            let k = (share * n as f64) as usize;
            let (fast, slow) = (lower_tail(n, k, p), oracle::lower_tail(n, k, p));
            prop_assert!((fast - slow).abs() < 1e-12, "{fast} {slow}");
        }

        #[test]
        fn the_largest_is_the_largest(n in 1_usize..120, p in 0.001_f64..0.999, bound in 0.001_f64..0.999) {
            match largest_within(n, p, bound) {
                Some(k) => {
                    prop_assert!(oracle::lower_tail(n, k, p) <= bound + 1e-12);
                    prop_assert!(k + 1 == n || oracle::lower_tail(n, k + 1, p) > bound - 1e-12);
                }
                None => prop_assert!(oracle::lower_tail(n, 0, p) > bound - 1e-12),
            }
        }
    }

    #[test]
    fn a_large_n_neither_underflows_nor_drifts() {
        // The median of Bin(1e6, 0.3) is its mean; by the normal approximation the tail there is 1/2 + 0.0004.
        let tail = lower_tail(1_000_000, 300_000, 0.3);
        assert!((tail - 0.5).abs() < 1e-3, "{tail}");
        assert_eq!(lower_tail(5, 5, 0.5), 1.0);
    }
}
