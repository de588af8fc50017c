//! Against the authors' preprocessing (golden vectors outside the repository).

use image::GrayImage;
use patchcore_config::{Crop, Resampling, Resize, View};
use patchcore_io::{Limits, Mask, Photo, prepare};
use patchcore_testing::{Golden, shared};

use crate::samples::{size, view};

fn authors() -> View {
    View { crop: Crop::Center(size(224, 224)), ..View::resized(Resize::Short(256), Resampling::Pil8Bit) }
}

#[test]
fn resize_and_crop_equal_the_authors_to_the_pixel_value() {
    for name in ["normal", "defect"] {
        let Some(golden) = Golden::open(name) else { return };
        let &[h, w] = &golden.shape("decoded_gray_u8")[..] else { panic!("{name}") };
        let decoded = GrayImage::from_raw(w as u32, h as u32, golden.u8("decoded_gray_u8")).unwrap();
        let photo = Photo::from_dynamic(decoded.into());
        let unit = |bytes: Vec<u8>| -> Vec<f32> { bytes.iter().map(|&b| f32::from(b) / 255.0).collect() };
        let resized = prepare(&photo, &view(Resize::Short(256), Resampling::Pil8Bit)).unwrap();
        assert!(resized.data == unit(golden.u8("resized_gray_u8")), "{name}");
        let crop = prepare(&photo, &authors()).unwrap();
        assert!(crop.data == unit(golden.u8("crop_gray_u8")), "{name}");
        // Normalised, it is the network's input.
        let mean = [0.485_f32, 0.456, 0.406];
        let std = [0.229_f32, 0.224, 0.225];
        let planes = crop.rgb_planes();
        for (at, expected) in golden.f32("input").into_iter().enumerate() {
            let channel = at / (224 * 224);
            let ours = (planes[at] - mean[channel]) / std[channel];
            assert!((ours - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn the_mask_is_the_golden_one_at_one_half() {
    let Some(golden) = Golden::open("defect") else { return };
    let (Some(photo), Some(mask)) = (shared("golden/defect.jpg"), shared("golden/defect_mask.png")) else { return };
    let photo = Photo::open(&photo, &Limits::default()).unwrap();
    let mask = Mask::open(&mask, photo.size(), &authors(), &Limits::default()).unwrap();
    let expected = golden.f32("mask_crop").into_iter().map(|value| value >= 0.5);
    assert!(mask.data == expected.collect::<Vec<_>>());
    assert!(mask.defective_pixels() > 0);
}

/// The decoder's difference to libjpeg-turbo, stated in the docs of `jpeg.rs`.
#[test]
fn jpeg_differs_from_pil_by_one_in_under_a_hundredth_of_the_pixels() {
    for name in ["normal", "defect"] {
        let (Some(golden), Some(photo)) = (Golden::open(name), shared(&format!("golden/{name}.jpg"))) else { return };
        let expected = golden.u8("decoded_gray_u8");
        let photo = Photo::open(&photo, &Limits::default()).unwrap();
        assert_eq!((photo.channels(), photo.bits_per_sample()), (1, 8));
        let rgb = photo.to_rgb8();
        let pairs = || rgb.pixels().map(|pixel| pixel.0[0]).zip(expected.iter().copied());
        let largest = pairs().map(|(a, b)| a.abs_diff(b)).max().unwrap();
        let share = pairs().filter(|(a, b)| a != b).count() as f64 / expected.len() as f64;
        println!("{name}: largest difference {largest}, in {:.2} % of the pixels", share * 100.0);
        assert!(largest <= 1 && share < 0.01);
    }
}
