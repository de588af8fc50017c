//! Scores of good parts that stand apart from all others: photos to look at before a promise is made on them.

/// How often scores of one process are taken for outliers, at most, as far as their upper tail is no heavier than a power's.
const FALSE_ALARMS: f64 = 0.05;
/// Fewer scores than this say nothing of their tail.
pub const FEWEST_FOR_OUTLIERS: usize = 10;

/// How many of the largest scores stand apart from the rest; 0 for a set without outliers, and for fewer than ten scores.
///
/// # Rule
/// The spacings of the logarithms of the sorted scores, s₍₁₎ largest, Dⱼ = j (ln s₍ⱼ₎ - ln s₍ⱼ₊₁₎), are independent and exponential with
/// one mean where the upper tail is a power of the score (Rényi); lighter tails (lognormal, normal, exponential, bounded) have smaller
/// spacings at the top. With M the mean of the k = ⌊n/2⌋ spacings below the j-th, P\[Dⱼ > c M\] = (1 + c/k)⁻ᵏ. The j largest scores stand
/// apart when that is below 0.05 / 2ʲ; the largest such j <= n/10 (at least 1) is the answer. So a set without outliers is called one in
/// at most one of twenty cases, whatever its size; measured on simulated sets of 20, 60 and 300 scores in this module's tests.
///
/// The unit of the scores does not matter, nor whether they are distances or squared ones. More than a tenth of outliers, and outliers
/// with ever smaller distances from the rest, are not found this way.
///
/// # Examples
/// ```
/// use patchcore_metrics::threshold::outliers;
///
/// let mut scores: Vec<f32> = (0..60).map(|part| 14.0 + 0.15 * part as f32).collect();
/// assert_eq!(outliers(&scores), 0);
/// scores.push(49.4);
/// assert_eq!(outliers(&scores), 1);
/// ```
pub fn outliers(scores: &[f32]) -> usize {
    let n = scores.len();
    if n < FEWEST_FOR_OUTLIERS || !scores.iter().all(|score| score.is_finite()) {
        return 0;
    }
    let mut logs: Vec<f64> = scores.iter().map(|score| f64::from(score.max(f32::MIN_POSITIVE)).ln()).collect();
    logs.sort_unstable_by(|a, b| b.total_cmp(a));
    let spacings: Vec<f64> =
        logs.iter().zip(logs.iter().skip(1)).enumerate().map(|(at, (s, next))| (at + 1) as f64 * (s - next)).collect();
    let below = n / 2;
    let stands_apart = |most: &usize| {
        let mean = spacings.iter().skip(*most).take(below).sum::<f64>() / below as f64;
        let gap = spacings.get(most - 1).copied().unwrap_or_default();
        // Scores that are all alike say nothing of what is far from them.
        mean > 0.0
            && (below as f64) * (gap / (mean * below as f64)).ln_1p() > (2.0_f64.powi(*most as i32) / FALSE_ALARMS).ln()
    };
    (1..=(n / 10).max(1)).rev().find(stands_apart).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    const SETS: usize = 4_000;
    /// Three and a half standard deviations of a share of 0.05 in so many sets.
    const SLACK: f64 = 0.012;

    fn uniform(random: &mut Pcg64) -> f64 {
        ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(random: &mut Pcg64) -> f64 {
        (-2.0 * uniform(random).ln()).sqrt() * (std::f64::consts::TAU * uniform(random)).cos()
    }

    /// Scores of good parts: what they may look like, from bounded to a power's tail without a variance.
    type Draw = fn(&mut Pcg64) -> f64;
    const DISTRIBUTIONS: [(&str, Draw); 8] = [
        ("uniform", |random| 10.0 + uniform(random)),
        ("normal", |random| 20.0 + 2.0 * normal(random)),
        ("wide normal", |random| (20.0 + 5.0 * normal(random)).max(0.0)),
        ("exponential", |random| -uniform(random).ln()),
        ("a constant and an exponential", |random| 10.0 - uniform(random).ln()),
        ("lognormal", |random| normal(random).exp()),
        ("power", |random| uniform(random).powf(-0.5)),
        ("tenths", |random| 1.0 + (uniform(random) * 10.0).ceil() / 10.0),
    ];

    #[test]
    fn clean_sets_are_rarely_called_odd() {
        for (seed, (name, draw)) in DISTRIBUTIONS.iter().enumerate() {
            for n in [20, 60, 300] {
                let mut random = Pcg64::seed_from_u64(seed as u64);
                let mut set = || (0..n).map(|_| draw(&mut random) as f32).collect::<Vec<f32>>();
                let share = (0..SETS).filter(|_| outliers(&set()) > 0).count() as f64 / SETS as f64;
                assert!(share <= FALSE_ALARMS + SLACK, "{name}, {n} scores: {share}");
            }
        }
    }

    #[test]
    fn a_power_tail_uses_up_what_is_allowed() {
        // The law is exact there: all of 0.05 but what n/10 places leave, and what two of them call together.
        let mut random = Pcg64::seed_from_u64(3);
        let mut set = || (0..300).map(|_| uniform(&mut random).powf(-0.5) as f32).collect::<Vec<f32>>();
        let share = (0..SETS).filter(|_| outliers(&set()) > 0).count() as f64 / SETS as f64;
        assert!((0.03..=FALSE_ALARMS + SLACK).contains(&share), "{share}");
    }

    #[test]
    fn planted_scores_are_counted() {
        let mut random = Pcg64::seed_from_u64(4);
        for planted in 1..=4 {
            let found = (0..500).filter(|_| {
                let good = (0..60).map(|_| (18.0 + 2.0 * normal(&mut random)) as f32);
                let mut scores: Vec<f32> = good.collect();
                scores.extend((0..planted).map(|at| 49.0 + at as f32));
                outliers(&scores) == planted
            });
            let share = found.count() as f64 / 500.0;
            assert!(share > 0.95, "{planted}: {share}");
        }
    }

    /// Scores of 60 good bottles of MVTec AD (a fit on 20 others, mode default, EfficientNet-Lite0).
    #[rustfmt::skip]
    const BOTTLES: [f32; 60] = [
        2.1e+01, 1.9e+01, 1.8e+01, 1.9e+01, 2e+01, 1.7e+01, 2.5e+01, 2e+01, 2e+01, 1.9e+01, 2.1e+01, 1.7e+01,
        2e+01, 1.7e+01, 2.1e+01, 2.2e+01, 1.7e+01, 1.9e+01, 2e+01, 1.8e+01, 1.7e+01, 1.9e+01, 2.2e+01, 2.1e+01,
        1.7e+01, 2e+01, 2.3e+01, 2.1e+01, 2e+01, 2e+01, 1.7e+01, 2e+01, 1.9e+01, 2.1e+01, 1.8e+01, 1.9e+01,
        2e+01, 1.9e+01, 2.2e+01, 1.9e+01, 1.9e+01, 2.4e+01, 2.2e+01, 1.8e+01, 1.9e+01, 1.8e+01, 2.1e+01, 2.1e+01,
        2e+01, 2.1e+01, 1.9e+01, 2.1e+01, 2.1e+01, 2.1e+01, 2.1e+01, 2.3e+01, 2.1e+01, 1.9e+01, 2.2e+01, 2.3e+01,
    ];

    #[test]
    fn a_broken_bottle_among_sixty_is_found() {
        assert_eq!(outliers(&BOTTLES), 0);
        for broken in [35.0, 39.0, 49.4] {
            let mut scores = BOTTLES.to_vec();
            scores.push(broken);
            assert_eq!(outliers(&scores), 1, "{broken}");
            scores.push(broken + 1.0);
            assert_eq!(outliers(&scores), 2, "{broken}");
        }
        // Any 20 of them are clean, too, most of the time.
        let mut random = Pcg64::seed_from_u64(6);
        let mut some = || (0..20).map(|_| BOTTLES[(random.next_u64() % 60) as usize]).collect::<Vec<f32>>();
        let share = (0..SETS).filter(|_| outliers(&some()) > 0).count() as f64 / SETS as f64;
        assert!(share <= FALSE_ALARMS, "{share}");
    }

    #[test]
    fn the_unit_does_not_matter_and_odd_input_is_no_outlier() {
        let mut scores: Vec<f32> = (0..40).map(|part| 14.0 + 0.15 * part as f32).collect();
        scores.push(60.0);
        assert_eq!(outliers(&scores), 1);
        assert_eq!(outliers(&scores.iter().map(|score| score * score).collect::<Vec<f32>>()), 1);
        assert_eq!(outliers(&[1.0; 60]), 0);
        assert_eq!(outliers(&[0.0; 60]), 0);
        assert_eq!(outliers(&[1.0, 1.0, 9.0]), 0);
        scores.push(f32::NAN);
        assert_eq!(outliers(&scores), 0);
    }
}
