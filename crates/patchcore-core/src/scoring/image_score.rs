//! The image score's re-weighting, equation 7.

/// `s = (1 - exp(d*) / sum over N_b(m*) of exp(||q* - m||)) s*`.
///
/// `worst` is `s*`, the distance of the worst patch `q*` to its nearest row `m*`; `to_neighborhood` holds the
/// distances from `q*` to the `b` bank rows nearest to `m*`, `m*` itself included. The maximum is subtracted before
/// exponentiating, since distances overflow the exponential. With `b = 1` there is nothing to compare with and the
/// score is `s*`, as in anomalib.
///
/// The result lies in `[0, s*]`.
pub fn reweighted_score(worst: f64, to_neighborhood: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    if to_neighborhood.len() <= 1 {
        return worst;
    }
    let largest = to_neighborhood.clone().fold(worst, f64::max);
    let sum: f64 = to_neighborhood.map(|distance| (distance - largest).exp()).sum();
    (1.0 - (worst - largest).exp() / sum) * worst
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_neighbour_is_the_plain_maximum() {
        assert_eq!(reweighted_score(3.5, [3.5].into_iter()), 3.5);
    }

    #[test]
    fn distances_that_overflow_the_exponential_do_not_matter() {
        let score = reweighted_score(5000.0, [5000.0, 5001.0].into_iter());
        assert!((score - 5000.0 * (1.0 - 1.0 / (1.0 + 1f64.exp()))).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_weight_is_bounded(worst in 0.0f64..100.0, others in prop::collection::vec(0.0f64..50.0, 1..20)) {
            // Every neighbour is at least as far from q* as m* is.
            let mut distances = vec![worst];
            distances.extend(others.iter().map(|further| worst + further));
            let b = distances.len() as f64;
            let score = reweighted_score(worst, distances.iter().copied());
            prop_assert!(score >= 0.0 && score <= worst);
            let equal = reweighted_score(worst, distances.iter().map(|_| worst));
            prop_assert!((equal - (1.0 - 1.0 / b) * worst).abs() < 1e-9 * (1.0 + worst));
        }
    }
}
