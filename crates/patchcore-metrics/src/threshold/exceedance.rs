//! Whether new scores lie beyond known ones more often than chance has it.

/// How often scores of one process are taken for others, at most.
const FALSE_ALARMS: f64 = 0.05;

/// Whether `beyond` of `n` new scores above the largest of `known` scores are more than one process makes, at one false alarm in twenty.
///
/// # Rule
/// Where all are independent scores of one process, each order of them is as likely as any other, so P\[at least b of n lie above the
/// largest of m\] = C(n - b + m, m) / C(n + m, m), whatever their distribution; they are too many when that is at most 0.05. Of one known
/// score nothing is concluded unless n is 19 at least, of none never.
///
/// # Examples
/// ```
/// use patchcore_metrics::threshold::is_beyond_chance;
///
/// assert!(!is_beyond_chance(12, 60, 10));
/// assert!(is_beyond_chance(20, 60, 10));
/// ```
pub fn is_beyond_chance(beyond: usize, n: usize, known: usize) -> bool {
    let left = n.saturating_sub(beyond) as f64;
    let share = (1..=known).map(|at| (left + at as f64) / (n as f64 + at as f64)).product::<f64>();
    known > 0 && beyond > 0 && share <= FALSE_ALARMS
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn one_process_is_rarely_called_two() {
        let mut random = Pcg64::seed_from_u64(5);
        for (n, known) in [(20, 4), (60, 10), (60, 16), (300, 16)] {
            let mut draw = |count: usize| (0..count).map(|_| random.next_u64()).collect::<Vec<u64>>();
            let called = (0..4_000).filter(|_| {
                let largest = draw(known).into_iter().max().unwrap();
                let beyond = draw(n).into_iter().filter(|score| *score > largest).count();
                is_beyond_chance(beyond, n, known)
            });
            let share = called.count() as f64 / 4_000.0;
            // The law is exact: nearly all that is allowed is used up.
            assert!((0.02..=0.062).contains(&share), "{n} {known}: {share}");
        }
    }

    #[test]
    fn the_share_is_that_of_all_orders() {
        // Two known, three new: of the 10 places of the two among five, one has all three new ones above.
        assert!(!is_beyond_chance(3, 3, 2));
        // One known, nineteen new: 1 of 20.
        assert!(is_beyond_chance(19, 19, 1) && !is_beyond_chance(18, 18, 1) && !is_beyond_chance(18, 19, 1));
        assert!(!is_beyond_chance(9, 9, 0) && !is_beyond_chance(0, 0, 5));
    }
}
