//! What changes each sample by itself: light, shading and noise.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::sample::Sample;

/// All samples times a factor.
pub(super) fn light<S: Sample>(samples: &[S], factor: f32, white: f32) -> Vec<S> {
    samples.iter().map(|sample| S::nearest(sample.value(white) * factor, white)).collect()
}

/// Factors along a side: from `1 - level` at its start to `1 + level` at its end, or the other way round.
fn ramp(length: usize, level: f32, falls: bool) -> Vec<f32> {
    let last = length.saturating_sub(1).max(1) as f32;
    let at = |place: usize| if falls { last - place as f32 } else { place as f32 };
    // A side of one pixel is its own middle.
    (0..length).map(|place| if length < 2 { 1.0 } else { 1.0 - level + 2.0 * level * at(place) / last }).collect()
}

/// Brighter towards the right, the bottom, the left or the top edge, in the order of seeds.
pub(super) fn shading<S: Sample>(
    samples: &[S],
    (width, channels): (usize, usize),
    height: usize,
    level: f32,
    white: f32,
    seed: u64,
) -> Vec<S> {
    let (is_across, falls) = (seed.is_multiple_of(2), seed % 4 >= 2);
    let flat = |length: usize| vec![1.0; length];
    let (columns, rows) = match is_across {
        true => (ramp(width, level, falls), flat(height)),
        false => (flat(width), ramp(height, level, falls)),
    };
    let mut out = Vec::with_capacity(samples.len());
    for (line, row) in samples.chunks_exact(width * channels).zip(&rows) {
        for (pixel, column) in line.chunks_exact(channels).zip(&columns) {
            out.extend(pixel.iter().map(|sample| S::nearest(sample.value(white) * (row * column), white)));
        }
    }
    out
}

/// Each sample with a draw of its own added, of a standard deviation of `level * white`.
pub(super) fn noise<S: Sample>(samples: &[S], level: f32, white: f32, seed: u64) -> Vec<S> {
    let mut random = Pcg64::seed_from_u64(seed);
    samples.iter().map(|sample| S::nearest(sample.value(white) + level * white * draw(&mut random), white)).collect()
}

/// The sum of twelve uniform numbers less its mean, in whole numbers: of variance 1 but for 2^-32, and the same on all machines.
fn draw(random: &mut Pcg64) -> f32 {
    let four = |bits: u64| [0, 16, 32, 48].map(|shift| ((bits >> shift) & 0xffff) as i32).iter().sum::<i32>();
    let sum: i32 = (0..3).map(|_| four(random.next_u64())).sum();
    // Sixteen bits have the mean 32767.5.
    (sum - 393_210) as f32 / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_mean_0_and_variance_1_and_the_bits_of_the_generator() {
        let mut random = Pcg64::seed_from_u64(7);
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(draw(&mut random))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        let beyond_two = draws.iter().filter(|z| z.abs() > 2.0).count() as f64 / draws.len() as f64;
        // Four standard errors each; 4.6 % of the normal distribution lie beyond two.
        assert!(mean.abs() < 0.013 && (variance - 1.0).abs() < 0.018, "{mean} {variance}");
        assert!((beyond_two - 0.0455).abs() < 0.004, "{beyond_two}");
        let mut again = Pcg64::seed_from_u64(7);
        assert_eq!(draws[0], f64::from(draw(&mut again)));
    }

    #[test]
    fn a_ramp_is_1_in_the_middle() {
        assert_eq!(ramp(5, 0.5, false), [0.5, 0.75, 1.0, 1.25, 1.5]);
        assert_eq!(ramp(3, 0.2, true), [1.2, 1.0, 0.8]);
        assert_eq!(ramp(1, 0.5, false), [1.0]);
    }
}
