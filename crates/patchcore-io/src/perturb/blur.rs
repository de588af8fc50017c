//! A Gaussian blur: columns first, line by line, then rows; the photo is mirrored at its edges.

#![allow(clippy::indexing_slicing, reason = "lines are cut from a photo of the samples of its size")]

use super::border::mirrored;
use super::sample::Sample;

/// Weights from the middle outwards, of which all but the first count twice; they sum up to 1. Cut off at three standard deviations.
fn weights(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let raw: Vec<f64> = (0..=reach).map(|at| libm::exp(-((at * at) as f64) / (2.0 * sigma * sigma))).collect();
    let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    raw.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Blurs by a standard deviation of `sigma` pixels.
pub(super) fn blur<S: Sample>(
    samples: &[S],
    (width, height): (usize, usize),
    channels: usize,
    sigma: f64,
    white: f32,
) -> Vec<S> {
    // A tenth of a pixel and less moves no sample.
    if sigma < 0.1 {
        return samples.to_vec();
    }
    let weights = weights(sigma);
    let (reach, length) = (weights.len() - 1, width * channels);
    let line = |row: isize| {
        let start = mirrored(row, height) * length;
        &samples[start..start + length]
    };
    let mut out = Vec::with_capacity(samples.len());
    // A line of the photo after the columns, with its mirror image on both sides.
    let mut wide = vec![0.0_f32; length + 2 * reach * channels];
    let mut blurred = vec![0.0_f32; length];
    for row in 0..height as isize {
        let middle = &mut wide[reach * channels..reach * channels + length];
        for (sum, sample) in middle.iter_mut().zip(line(row)) {
            *sum = weights[0] * sample.value(white);
        }
        for (at, weight) in weights.iter().enumerate().skip(1) {
            let (above, below) = (line(row - at as isize), line(row + at as isize));
            for ((sum, above), below) in middle.iter_mut().zip(above).zip(below) {
                *sum += weight * (above.value(white) + below.value(white));
            }
        }
        for at in (0..reach).chain(reach + width..2 * reach + width) {
            let from = reach + mirrored(at as isize - reach as isize, width);
            wide.copy_within(from * channels..(from + 1) * channels, at * channels);
        }
        for (sum, sample) in blurred.iter_mut().zip(&wide[reach * channels..]) {
            *sum = weights[0] * sample;
        }
        for (at, weight) in weights.iter().enumerate().skip(1) {
            let (left, right) = (&wide[(reach - at) * channels..], &wide[(reach + at) * channels..]);
            for ((sum, left), right) in blurred.iter_mut().zip(left).zip(right) {
                *sum += weight * (left + right);
            }
        }
        out.extend(blurred.iter().map(|value| S::nearest(*value, white)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_gaussian() {
        let found = weights(1.0);
        // exp(-1/2) = 0.6065, exp(-2) = 0.1353, exp(-9/2) = 0.0111; the sum 1 + 2 * 0.7529 = 2.5059.
        let expected = [0.399_05, 0.242_04, 0.054_006, 0.004_433];
        assert!(found.len() == 4 && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_line_takes_on_the_weights_and_keeps_its_sum() {
        let mut line = vec![0_u16; 15];
        line[7] = 10_000;
        let found = blur(&line, (15, 1), 1, 1.0, 65_535.0);
        assert_eq!(found[3..12], [0, 44, 540, 2420, 3991, 2420, 540, 44, 0]);
        // The same down a column.
        assert_eq!(blur(&line, (1, 15), 1, 1.0, 65_535.0), found);
        let flat = [77_u8; 6 * 5 * 3];
        assert_eq!(blur(&flat, (6, 5), 3, 2.5, 255.0), flat);
    }

    #[test]
    fn channels_stay_apart_and_the_edge_is_a_mirror() {
        // Red has a white first column, whose mirror image is the dark second one: 0.399 of it is left there.
        let mut photo = vec![0_u8; 8 * 4 * 3];
        photo.chunks_exact_mut(8 * 3).for_each(|line| line[0] = 200);
        let found = blur(&photo, (8, 4), 3, 1.0, 255.0);
        let red: Vec<u8> = found[..8 * 3].iter().step_by(3).copied().collect();
        assert_eq!(red[..4], [80, 48, 11, 1]);
        assert!(found.chunks_exact(3).all(|pixel| pixel[1] == 0 && pixel[2] == 0));
    }
}
