//! Against the authors' preprocessing (golden vectors outside the repository).

use std::path::PathBuf;

use image::GrayImage;
use patchcore_core::preprocess::{Pad, Resampling, Resize, View};
use patchcore_io::{Limits, Mask, Photo, prepare};
use safetensors::SafeTensors;

use crate::samples::{size, view};

fn golden() -> Option<PathBuf> {
    let default = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("PATCHCORE_SHARED").map_or_else(default, PathBuf::from);
    let golden = shared.join("golden");
    if golden.is_dir() {
        return Some(golden);
    }
    println!("skipped: no ../shared");
    None
}

fn authors() -> View {
    View { resize: Resize::ShortSide(256), resampling: Resampling::Pil8Bit, crop: Some(size(224, 224)), pad: Pad::None }
}

#[test]
fn resize_and_crop_equal_the_authors_to_the_pixel_value() {
    let Some(golden) = golden() else { return };
    for name in ["normal", "defect"] {
        let bytes = std::fs::read(golden.join(format!("{name}.safetensors"))).unwrap();
        let arrays = SafeTensors::deserialize(&bytes).unwrap();
        let decoded = arrays.tensor("decoded_gray_u8").unwrap();
        let (h, w) = (decoded.shape()[0] as u32, decoded.shape()[1] as u32);
        let photo = Photo::from_dynamic(GrayImage::from_raw(w, h, decoded.data().to_vec()).unwrap().into());
        let unit = |bytes: &[u8]| -> Vec<f32> { bytes.iter().map(|&b| f32::from(b) / 255.0).collect() };
        let resized = prepare(&photo, &view(Resize::ShortSide(256), Resampling::Pil8Bit)).unwrap();
        assert!(resized.data == unit(arrays.tensor("resized_gray_u8").unwrap().data()), "{name}");
        let crop = prepare(&photo, &authors()).unwrap();
        assert!(crop.data == unit(arrays.tensor("crop_gray_u8").unwrap().data()), "{name}");
        // Normalised, it is the network's input.
        let input = arrays.tensor("input").unwrap();
        let mean = [0.485_f32, 0.456, 0.406];
        let std = [0.229_f32, 0.224, 0.225];
        let planes = crop.rgb_planes();
        for (at, raw) in input.data().as_chunks::<4>().0.iter().enumerate() {
            let channel = at / (224 * 224);
            let ours = (planes[at] - mean[channel]) / std[channel];
            assert!((ours - f32::from_le_bytes(*raw)).abs() < 1e-6);
        }
    }
}

#[test]
fn the_mask_is_the_golden_one_at_one_half() {
    let Some(golden) = golden() else { return };
    let bytes = std::fs::read(golden.join("defect.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&bytes).unwrap();
    let photo = Photo::open(&golden.join("defect.jpg"), &Limits::default()).unwrap();
    let mask = Mask::open(&golden.join("defect_mask.png"), photo.size(), &authors(), &Limits::default()).unwrap();
    let expected = arrays.tensor("mask_crop").unwrap();
    let floats = expected.data().as_chunks::<4>().0.iter().map(|&raw| f32::from_le_bytes(raw) >= 0.5);
    assert!(mask.data == floats.collect::<Vec<_>>());
    assert!(mask.defective_pixels() > 0);
}

/// The decoder's difference to libjpeg-turbo, stated in the docs of `jpeg.rs`.
#[test]
fn jpeg_differs_from_pil_by_one_in_under_a_hundredth_of_the_pixels() {
    let Some(golden) = golden() else { return };
    for name in ["normal", "defect"] {
        let bytes = std::fs::read(golden.join(format!("{name}.safetensors"))).unwrap();
        let arrays = SafeTensors::deserialize(&bytes).unwrap();
        let expected = arrays.tensor("decoded_gray_u8").unwrap();
        let photo = Photo::open(&golden.join(format!("{name}.jpg")), &Limits::default()).unwrap();
        assert_eq!((photo.channels(), photo.bits_per_sample()), (1, 8));
        let rgb = photo.to_rgb8();
        let pairs = || rgb.pixels().map(|pixel| pixel.0[0]).zip(expected.data().iter().copied());
        let largest = pairs().map(|(a, b)| a.abs_diff(b)).max().unwrap();
        let share = pairs().filter(|(a, b)| a != b).count() as f64 / expected.data().len() as f64;
        println!("{name}: largest difference {largest}, in {:.2} % of the pixels", share * 100.0);
        assert!(largest <= 1 && share < 0.01);
    }
}
