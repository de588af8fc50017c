//! The resize literally from its definition, one pixel at a time; the fast passes are held equal to it.

use super::{Window, resize};
use proptest::prelude::*;

/// Weights over the whole input, zero outside the support.
fn weights(input: usize, output: usize, pixel: usize) -> Vec<f64> {
    let scale = input as f64 / output as f64;
    let support = scale.max(1.0);
    let center = (pixel as f64 + 0.5) * scale;
    let low = ((center - support + 0.5).max(0.0)).floor() as usize;
    let high = ((center + support + 0.5).floor() as usize).min(input);
    let raw: Vec<f64> = (0..input)
        .map(|x| {
            let inside = x >= low && x < high;
            if inside { (1.0 - ((x as f64 - center + 0.5) / support).abs()).max(0.0) } else { 0.0 }
        })
        .collect();
    let total: f64 = raw.iter().sum();
    raw.iter().map(|weight| weight / total).collect()
}

/// One pass along a line in exact arithmetic, then the rounding of the kind.
fn line(input: &[f64], output: usize, round: bool) -> Vec<f64> {
    if input.len() == output {
        return input.to_vec();
    }
    let pixel = |i| {
        let mean: f64 = weights(input.len(), output, i).iter().zip(input).map(|(w, x)| w * x).sum();
        if round { (mean + 0.5).floor() } else { mean }
    };
    (0..output).map(pixel).collect()
}

fn slow(pixels: &[f64], from: (usize, usize), to: (usize, usize), round: bool) -> Vec<f64> {
    let narrow: Vec<Vec<f64>> = pixels.chunks(from.0).map(|row| line(row, to.0, round)).collect();
    let mut result = vec![0.0; to.0 * to.1];
    for x in 0..to.0 {
        let column: Vec<f64> = narrow.iter().map(|row| row[x]).collect();
        for (y, value) in line(&column, to.1, round).into_iter().enumerate() {
            result[y * to.0 + x] = value;
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(2), ..ProptestConfig::default() })]

    #[test]
    fn the_fast_passes_equal_the_definition(
        from in (1_usize..40, 1_usize..40), to in (1_usize..40, 1_usize..40), seed in any::<u64>(),
        cut in (0.0_f64..1.0, 0.0_f64..1.0),
    ) {
        let mut state = seed | 1;
        let pixels: Vec<u8> = (0..from.0 * from.1).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        }).collect();
        let wide: Vec<f64> = pixels.iter().map(|&p| f64::from(p)).collect();
        let (left, top) = ((cut.0 * to.0 as f64) as usize, (cut.1 * to.1 as f64) as usize);
        let window = Window { left, top, width: to.0 - left, height: to.1 - top };
        let cropped = |full: Vec<f64>| -> Vec<f64> {
            full.chunks(to.0).skip(top).flat_map(|row| row[left..].to_vec()).collect()
        };

        let fast = resize::<1, u8>(from, to, window, |row, out| out.copy_from_slice(&pixels[row * from.0..][..from.0]));
        let expected = cropped(slow(&wide, from, to, true));
        for (a, b) in fast.iter().zip(&expected) {
            // Fixed point may break a tie of the exact mean the other way, and the second pass carry it on.
            prop_assert!((f64::from(*a) - b).abs() <= 1.0, "{a} {b}");
        }
        let fast = resize::<1, f32>(from, to, window, |row, out| {
            for (out, &p) in out.iter_mut().zip(&pixels[row * from.0..]) { *out = f32::from(p); }
        });
        for (a, b) in fast.iter().zip(&cropped(slow(&wide, from, to, false))) {
            prop_assert!((f64::from(*a) - b).abs() <= 1e-3, "{a} {b}");
        }

        // Three equal channels give three times the same.
        let grey = resize::<1, u8>(from, to, window, |row, out| out.copy_from_slice(&pixels[row * from.0..][..from.0]));
        let rgb = resize::<3, u8>(from, to, window, |row, out| {
            for (out, &p) in out.chunks_mut(3).zip(&pixels[row * from.0..]) { out.fill(p); }
        });
        prop_assert!(rgb.chunks(3).zip(&grey).all(|(rgb, &grey)| rgb == [grey; 3]));
    }
}
