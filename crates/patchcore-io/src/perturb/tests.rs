//! Whole photos of every kind of samples.

use crate::photo::Samples;
use crate::{Perturbation, PerturbationKind, Photo};

fn eight(width: u32, height: u32, channels: usize, samples: &[u8]) -> Photo {
    Photo::of_samples(width, height, channels, Samples::from(samples.to_vec()))
}

fn sixteen(samples: &[u16]) -> Photo {
    Photo::of_samples(samples.len() as u32, 1, 1, Samples::Sixteen(samples.to_vec()))
}

fn float(samples: &[f32]) -> Photo {
    Photo::of_samples(samples.len() as u32, 1, 1, Samples::Float(samples.to_vec()))
}

fn made(photo: &Photo, kind: PerturbationKind, level: f64, seed: u64) -> Photo {
    photo.perturbed(Perturbation::new(kind, level).unwrap(), None, seed).unwrap()
}

#[test]
fn light_is_a_factor_rounded_and_cut_off_at_white() {
    let photo = eight(6, 1, 1, &[0, 1, 3, 100, 200, 255]);
    let light = |photo: &Photo, level| made(photo, PerturbationKind::Light, level, 0);
    assert!(light(&photo, 0.5) == eight(6, 1, 1, &[0, 1, 2, 50, 100, 128]));
    assert!(light(&photo, 1.5) == eight(6, 1, 1, &[0, 2, 5, 150, 255, 255]));
    assert!(light(&sixteen(&[0, 101, 40_000]), 2.0) == sixteen(&[0, 202, 65_535]));
    assert!(light(&float(&[0.0, 0.25, 0.75]), 2.0) == float(&[0.0, 0.5, 1.0]));
}

#[test]
fn white_is_the_photos_own_or_the_models() {
    let photo = sixteen(&[1000, 3000, 5000]);
    let brighter = Perturbation::new(PerturbationKind::Light, 2.0).unwrap();
    // 5000 is above white, and counts as white.
    let darker = Perturbation::new(PerturbationKind::Light, 0.5).unwrap();
    assert!(photo.perturbed(brighter, Some(4095), 0).unwrap() == sixteen(&[2000, 4095, 4095]));
    assert!(photo.perturbed(darker, Some(4095), 0).unwrap() == sixteen(&[500, 1500, 2048]));
    let scaled = photo.with_full_scale(4000);
    assert!(scaled.perturbed(brighter, None, 0).unwrap().samples() == sixteen(&[2000, 4000, 4000]).samples());
}

#[test]
fn shading_is_brighter_right_below_left_and_above() {
    let photo = eight(3, 3, 1, &[100; 9]);
    let shaded = |seed| made(&photo, PerturbationKind::Shading, 0.5, seed);
    assert!(shaded(0) == eight(3, 3, 1, &[50, 100, 150, 50, 100, 150, 50, 100, 150]));
    assert!(shaded(1) == eight(3, 3, 1, &[50, 50, 50, 100, 100, 100, 150, 150, 150]));
    assert!(shaded(2) == eight(3, 3, 1, &[150, 100, 50, 150, 100, 50, 150, 100, 50]));
    assert!(shaded(3) == eight(3, 3, 1, &[150, 150, 150, 100, 100, 100, 50, 50, 50]));
    let color = eight(2, 1, 3, &[100, 50, 10, 100, 50, 10]);
    assert!(made(&color, PerturbationKind::Shading, 0.2, 0) == eight(2, 1, 3, &[80, 40, 8, 120, 60, 12]));
}

#[test]
fn noise_has_its_level_and_its_seed() {
    let photo = eight(200, 200, 1, &[128; 40_000]);
    let noisy = made(&photo, PerturbationKind::Noise, 0.04, 5);
    let Samples::Eight(samples) = noisy.samples() else { panic!("8 bits") };
    let mean = samples.iter().map(|v| f64::from(*v)).sum::<f64>() / 4e4;
    let deviation = (samples.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 4e4).sqrt();
    // 4 % of 255 is 10.2; rounding adds 1/12 to the variance.
    assert!((mean - 128.0).abs() < 0.3 && (deviation - 10.204).abs() < 0.2, "{mean} {deviation}");
    assert!(made(&photo, PerturbationKind::Noise, 0.04, 5) == noisy);
    assert!(made(&photo, PerturbationKind::Noise, 0.04, 6) != noisy);
    // The generator's own bits, so that another machine that draws others is found out.
    assert_eq!(samples[..8], [134, 127, 122, 123, 130, 135, 138, 115]);
}

#[test]
fn a_shift_is_a_share_of_the_short_side() {
    let photo = sixteen(&[1, 2, 3, 4]);
    // Of a side of 1 pixel half is 0.5, which rounds to 1.
    assert!(made(&photo, PerturbationKind::Shift, 0.5, 0) == sixteen(&[2, 1, 2, 3]));
    assert!(made(&photo, PerturbationKind::Shift, 0.4, 0) == photo);
}

#[test]
fn rotations_alternate() {
    let photo = eight(2, 2, 1, &[1, 2, 3, 4]);
    assert!(made(&photo, PerturbationKind::Rotation, 90.0, 4) == eight(2, 2, 1, &[3, 1, 4, 2]));
    assert!(made(&photo, PerturbationKind::Rotation, 90.0, 5) == eight(2, 2, 1, &[2, 4, 1, 3]));
}

#[cfg(feature = "jpeg")]
#[test]
fn jpeg_loses_more_at_lower_quality_and_keeps_the_kind() {
    let samples: Vec<u8> = (0..64 * 48 * 3).map(|at| (at * 37 % 251) as u8).collect();
    let photo = eight(64, 48, 3, &samples);
    let off = |made: &Photo| {
        let Samples::Eight(made) = made.samples() else { panic!("8 bits") };
        made.iter().zip(&samples).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / samples.len() as f64
    };
    let [good, usual, bad] = [100.0, 60.0, 10.0].map(|level| off(&made(&photo, PerturbationKind::Jpeg, level, 0)));
    assert!(good < 2.0 && good < usual && usual < bad, "{good} {usual} {bad}");
    // A flat photo survives: its one coefficient is a multiple of the table's.
    let flat = eight(16, 16, 1, &[128; 256]);
    assert!(made(&flat, PerturbationKind::Jpeg, 10.0, 0) == flat);
    let white = Photo::of_samples(8, 8, 1, Samples::Sixteen(vec![4095; 64]));
    let jpeg = Perturbation::new(PerturbationKind::Jpeg, 90.0).unwrap();
    assert!(white.perturbed(jpeg, Some(4095), 0).unwrap() == white);
}

#[cfg(not(feature = "jpeg"))]
#[test]
fn jpeg_that_is_not_compiled_in_is_refused_by_name() {
    let jpeg = Perturbation::new(PerturbationKind::Jpeg, 90.0).unwrap();
    let error = eight(8, 8, 1, &[0; 64]).perturbed(jpeg, None, 0).unwrap_err();
    assert!(matches!(error, crate::ImageError::FormatNotCompiledIn { feature: "jpeg", .. }), "{error}");
}

#[test]
fn every_kind_keeps_size_channels_and_samples_of_every_photo() {
    let photos = [
        eight(1, 1, 1, &[200]),
        eight(1, 7, 3, &[90; 21]),
        eight(5, 4, 3, &(0..60).collect::<Vec<u8>>()),
        sixteen(&[7, 60_000, 12]),
        float(&[0.0, 0.5, 1.0, 0.25]),
    ];
    for photo in photos.map(|photo| photo.with_name("part 7")) {
        for perturbation in Perturbation::usual() {
            for seed in 0..4 {
                let made = photo.perturbed(perturbation, None, seed).unwrap();
                assert_eq!((made.size(), made.channels()), (photo.size(), photo.channels()), "{perturbation:?}");
                assert_eq!((made.kind(), made.name()), (photo.kind(), "part 7"), "{perturbation:?}");
            }
        }
        let unchanged = Perturbation::new(PerturbationKind::Scale, 1.0).unwrap();
        assert!(photo.perturbed(unchanged, None, 3).unwrap() == photo);
    }
}
