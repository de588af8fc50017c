//! The resize against Pillow and torch (fixtures/generate.py), the crop against torchvision's rules.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, RgbImage};
use patchcore_config::{Crop, Pad, Resampling, Resize, View};
use patchcore_io::{ImageError, Photo, prepare, prepare_mask};
use safetensors::SafeTensors;

use crate::samples::{size, view};

#[test]
fn eight_bits_equal_pillow_and_float_equals_torch() {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/resize.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&bytes).unwrap();
    let cases = arrays.len() / 3;
    assert!(cases >= 60);
    let mut worst = 0.0_f32;
    for case in 0..cases {
        let input = arrays.tensor(&format!("{case}.in")).unwrap();
        let pil = arrays.tensor(&format!("{case}.pil")).unwrap();
        let torch = arrays.tensor(&format!("{case}.torch")).unwrap();
        let &[h, w, c] = input.shape() else { panic!() };
        let (out_h, out_w) = (pil.shape()[0], pil.shape()[1]);
        let data = input.data().to_vec();
        let photo: DynamicImage = if c == 1 {
            GrayImage::from_raw(w as u32, h as u32, data).unwrap().into()
        } else {
            RgbImage::from_raw(w as u32, h as u32, data).unwrap().into()
        };
        let photo = Photo::from_dynamic(photo);
        let exact = Resize::Exact(size(out_w as u32, out_h as u32));
        let ours = prepare(&photo, &view(exact, Resampling::Pil8Bit)).unwrap();
        let float = prepare(&photo, &view(exact, Resampling::Float)).unwrap();
        for (plane, (ours, float)) in ours.data.chunks(out_w * out_h).zip(float.data.chunks(out_w * out_h)).enumerate()
        {
            let channel = if c == 1 { 0 } else { plane };
            for at in 0..out_w * out_h {
                let expected = f32::from(pil.data()[at * c + channel]) / 255.0;
                assert_eq!(ours[at], expected, "case {case}: {w}x{h} to {out_w}x{out_h}, {c} channels, pixel {at}");
                let raw = torch.data()[(at * c + channel) * 4..].first_chunk::<4>().unwrap();
                worst = worst.max((float[at] - f32::from_le_bytes(*raw)).abs());
            }
        }
    }
    println!("{cases} cases, largest difference to torch {worst:e}");
    assert!(worst <= 4e-6, "{worst}");
}

#[test]
fn sides_follow_torchvision() {
    let resized = |w, h, resize| {
        let photo = Photo::from_dynamic(GrayImage::new(w, h).into());
        let input = prepare(&photo, &view(resize, Resampling::Pil8Bit)).unwrap();
        (input.width, input.height)
    };
    assert_eq!(resized(240, 289, Resize::Short(256)), (256, 308));
    assert_eq!(resized(113, 287, Resize::Short(256)), (256, 650));
    assert_eq!(resized(287, 113, Resize::Short(256)), (650, 256));
    assert_eq!(resized(256, 300, Resize::Short(256)), (256, 300));
    assert_eq!(resized(31, 7, Resize::Keep), (31, 7));
    assert_eq!(resized(31, 7, Resize::Exact(size(5, 9))), (5, 9));
    assert_eq!(resized(1, 1, Resize::Short(256)), (256, 256));
}

#[test]
fn a_crop_larger_than_the_photo_is_padded_with_zeros() {
    let photo = Photo::from_dynamic(GrayImage::from_pixel(3, 9, Luma([255])).into());
    for resampling in [Resampling::Pil8Bit, Resampling::Float] {
        let view = View { crop: Crop::Center(size(6, 4)), ..View::resized(Resize::Keep, resampling) };
        let input = prepare(&photo, &view).unwrap();
        assert_eq!((input.geometry.crop_left, input.geometry.crop_top), (-1, 2));
        assert_eq!(input.data, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0].repeat(4));
        let mask = prepare_mask(&photo, size(3, 9), &view).unwrap();
        assert_eq!((mask.width, mask.height, mask.defective_pixels()), (6, 4, 12));
    }
}

#[test]
fn a_crop_is_a_part_of_the_whole() {
    let photo = Photo::from_dynamic(crate::samples::picture(97, 61));
    for resampling in [Resampling::Pil8Bit, Resampling::Float] {
        let whole = prepare(&photo, &view(Resize::Short(40), resampling)).unwrap();
        let view = View { crop: Crop::Center(size(20, 30)), ..View::resized(Resize::Short(40), resampling) };
        let part = prepare(&photo, &view).unwrap();
        let (left, top) = (part.geometry.crop_left as usize, part.geometry.crop_top as usize);
        for (plane, (whole, part)) in
            whole.data.chunks(whole.width * whole.height).zip(part.data.chunks(20 * 30)).enumerate()
        {
            for y in 0..30 {
                let row = &whole[(y + top) * 63 + left..][..20];
                assert_eq!(row, &part[y * 20..][..20], "plane {plane} row {y}");
            }
        }
    }
}

#[test]
fn geometry_maps_there_and_back() {
    let photo = Photo::from_dynamic(GrayImage::new(113, 287).into());
    let view = View { crop: Crop::Center(size(224, 224)), ..View::resized(Resize::Short(256), Resampling::Pil8Bit) };
    let geometry = prepare(&photo, &view).unwrap().geometry;
    assert_eq!((geometry.crop_left, geometry.crop_top), (16, 213));
    for (x, y) in [(0.0, 0.0), (223.0, 223.0), (17.5, 3.25)] {
        let (u, v) = geometry.to_original(x, y);
        let (a, b) = geometry.to_input(u, v);
        assert!((a - x).abs() < 1e-9 && (b - y).abs() < 1e-9);
    }
    // The centre of the input is the centre of the photo.
    let (x, y) = geometry.to_original(111.5, 111.5);
    assert!((x - 56.0).abs() < 1e-9 && (y - 143.0).abs() < 0.5);
    assert!((geometry.visible_share() - 224.0 * 224.0 / (256.0 * 650.0)).abs() < 1e-12);
}

#[test]
fn sixteen_bits_are_kept_in_float_and_rounded_in_pil() {
    let deep = ImageBuffer::<Luma<u16>, _>::from_raw(2, 1, vec![1000_u16, 65_535]).unwrap();
    let photo = Photo::from_dynamic(deep.into());
    let float = prepare(&photo, &view(Resize::Keep, Resampling::Float)).unwrap();
    assert_eq!(float.data[0], 1000.0 / 65_535.0);
    let eight = prepare(&photo, &view(Resize::Keep, Resampling::Pil8Bit)).unwrap();
    assert_eq!(eight.data[..2], [4.0 / 255.0, 1.0]);
}

#[test]
fn masks_are_binary_whatever_their_white_is() {
    for white in [1_u8, 255] {
        let mask = GrayImage::from_fn(10, 10, |x, _| Luma([if x < 5 { white } else { 0 }]));
        let mask = Photo::from_dynamic(mask.into());
        let mask = prepare_mask(&mask, size(10, 10), &view(Resize::Short(20), Resampling::Pil8Bit)).unwrap();
        assert_eq!(mask.defective_pixels(), 200, "{white}");
    }
}

#[test]
fn extreme_shapes_and_zero_sides_are_refused() {
    let line = Photo::from_dynamic(GrayImage::new(1, 20_000).into()).with_name("line.png");
    let error = prepare(&line, &view(Resize::Short(256), Resampling::Pil8Bit)).unwrap_err();
    assert!(matches!(error, ImageError::PreparedTooLarge { width: 256, height: 5_120_000, .. }));
    assert!(error.to_string().contains("line.png"), "{error}");
    let exact = Resize::Exact(size(u32::MAX, u32::MAX));
    assert!(matches!(prepare(&line, &view(exact, Resampling::Float)), Err(ImageError::PreparedTooLarge { .. })));
    let short = Resize::Short(u32::MAX);
    assert!(matches!(prepare(&line, &view(short, Resampling::Float)), Err(ImageError::PreparedTooLarge { .. })));
    assert_eq!(prepare(&line, &view(Resize::Exact(size(8, 8)), Resampling::Float)).unwrap().data.len(), 64);
    for resize in [Resize::Short(0), Resize::Exact(size(0, 4)), Resize::Exact(size(4, 0))] {
        assert!(matches!(
            prepare(&line, &view(resize, Resampling::Float)),
            Err(ImageError::InvalidView { parameter: "resize", .. })
        ));
    }
    let crop = View { crop: Crop::Center(size(0, 1)), ..View::resized(Resize::Keep, Resampling::Float) };
    assert!(matches!(prepare(&line, &crop), Err(ImageError::InvalidView { parameter: "crop", .. })));
    let pad = View { pad: Pad::ToMultiple(0), crop: Crop::Keep, ..crop };
    assert!(matches!(prepare(&line, &pad), Err(ImageError::InvalidView { parameter: "pad", .. })));
    let none = Photo::from_dynamic(GrayImage::new(0, 0).into());
    assert!(matches!(prepare(&none, &view(Resize::Keep, Resampling::Float)), Err(ImageError::NoPixels { .. })));
    let mask = prepare_mask(&line, size(2, 2), &view(Resize::Keep, Resampling::Float)).unwrap_err();
    assert!(matches!(mask, ImageError::MaskSize { height: 20_000, expected_height: 2, .. }));
}
