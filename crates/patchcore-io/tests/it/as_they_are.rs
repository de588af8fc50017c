//! Photos as they are: padding to whole cells, regions of interest, and more than 8 bits.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma};
use patchcore_config::{Pad, Region, Resampling, Resize, Size, View};
use patchcore_io::{ImageError, Photo, PixelBuffer, PixelFormat, prepare, prepare_within, region_of_masks};

fn padded() -> View {
    View { pad: Pad::ToMultiple(16), ..View::resized(Resize::Keep, Resampling::Native) }
}

fn grey(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Photo {
    Photo::from_dynamic(GrayImage::from_fn(width, height, |x, y| Luma([value(x, y)])).into())
}

#[test]
fn padding_reflects_the_photo_and_loses_no_pixel() {
    let photo = grey(21, 30, |x, y| (x * 7 + y) as u8);
    let input = prepare(&photo, &padded()).unwrap();
    assert_eq!((input.width, input.height), (32, 32));
    // 11 columns more: 5 on the left, 6 on the right; 2 rows more.
    let plain = prepare(&photo, &View { pad: Pad::None, ..padded() }).unwrap();
    let mirror = |at: i64, side: i64| {
        if at < 0 {
            -at
        } else if at >= side {
            2 * (side - 1) - at
        } else {
            at
        }
    };
    for y in 0..32 {
        for x in 0..32 {
            let (from_x, from_y) = (mirror(x - 5, 21), mirror(y - 1, 30));
            let expected = plain.data[(from_y * 21 + from_x) as usize];
            let inside = (5..26).contains(&x) && (1..31).contains(&y);
            assert_eq!(input.data[(y * 32 + x) as usize], expected, "{x} {y}");
            assert_eq!(input.inside.as_ref().unwrap()[(y * 32 + x) as usize], inside, "{x} {y}");
        }
    }
    assert_eq!(input.geometry.to_original(5.0, 1.0), (0.0, 0.0));
    assert_eq!(plain.inside, None);
    let whole = prepare(&grey(32, 48, |_, _| 3), &padded()).unwrap();
    assert_eq!((whole.width, whole.height, whole.inside), (32, 48, None));
    // Padding wider than the photo still finds pixels.
    let tiny = prepare(&grey(1, 3, |_, y| y as u8), &padded()).unwrap();
    assert!(tiny.data.iter().all(|value| [0.0, 1.0 / 255.0, 2.0 / 255.0].contains(value)));
}

#[test]
fn masks_become_a_region_and_a_region_follows_the_view() {
    let roi = grey(40, 20, |x, _| if x < 20 { 255 } else { 0 });
    let ignore = grey(40, 20, |_, y| u8::from(y >= 10));
    let region = region_of_masks(Some(&roi), Some(&ignore)).unwrap().unwrap();
    assert_eq!((region.size, region.inside_pixels()), (Size { width: 40, height: 20 }, 200));
    assert_eq!(region_of_masks(None, Some(&ignore)).unwrap().unwrap().inside_pixels(), 400);
    assert_eq!(region_of_masks(None, None).unwrap(), None);

    let photo = grey(40, 20, |_, _| 9);
    let half = View { resize: Resize::Short(10), pad: Pad::None, ..padded() };
    let inside = prepare_within(&photo, &half, Some(&region), None).unwrap().inside.unwrap();
    assert_eq!(inside.len(), 200);
    for (index, inside) in inside.into_iter().enumerate() {
        assert_eq!(inside, index % 20 < 10 && index / 20 < 5, "{index}");
    }
    // Padding is outside whatever the region says.
    let everything = Region::from_pixels(Size { width: 40, height: 20 }, &[true; 800]).unwrap();
    let inside = prepare_within(&photo, &padded(), Some(&everything), None).unwrap().inside.unwrap();
    assert_eq!((inside.len(), inside.iter().filter(|inside| **inside).count()), (48 * 32, 800));
}

#[test]
fn masks_and_photos_of_another_size_are_refused_with_both() {
    let (roi, other) = (grey(40, 20, |x, _| u8::from(x > 0)), grey(41, 20, |_, _| 0).with_name("ignore.png"));
    let error = region_of_masks(Some(&roi), Some(&other)).unwrap_err();
    assert!(matches!(error, ImageError::MaskSize { width: 41, expected_width: 40, .. }), "{error}");
    let error = region_of_masks(Some(&roi), Some(&roi)).unwrap_err();
    assert!(matches!(error, ImageError::Region(_)) && error.to_string().contains("empty"), "{error}");
    let region = region_of_masks(Some(&roi), None).unwrap();
    let error = prepare_within(&other, &padded(), region.as_ref(), None).unwrap_err().to_string();
    assert!(error.contains("41x20") && error.contains("40x20") && error.contains("ignore.png"), "{error}");
}

#[test]
fn sixteen_bits_are_kept_and_eight_are_pils() {
    let fine = ImageBuffer::from_fn(64, 48, |x, y| Luma([(x * 3 + y) as u16 + 20_000]));
    let photo = Photo::from_dynamic(DynamicImage::ImageLuma16(fine));
    let view = |resampling| View { resize: Resize::Short(24), resampling, ..padded() };
    let native = prepare(&photo, &view(Resampling::Native)).unwrap().data;
    assert_eq!(native, prepare(&photo, &view(Resampling::Float)).unwrap().data);
    let distinct = |data: &[f32]| data.iter().map(|value| value.to_bits()).collect::<std::collections::BTreeSet<_>>();
    // The whole photo spans 239 of 65,536 levels: one level or two of 256.
    assert!(distinct(&native).len() > 100);
    assert!(distinct(&prepare(&photo, &view(Resampling::Pil8Bit)).unwrap().data).len() <= 2);

    let eight = grey(64, 48, |x, y| (x * y) as u8);
    let of = |resampling| prepare(&eight, &view(resampling)).unwrap().data;
    assert_eq!(of(Resampling::Native), of(Resampling::Pil8Bit));
}

#[test]
fn a_camera_of_twelve_bits_has_its_own_white() {
    let samples: Vec<u16> = (0..64 * 32).map(|index| (index * 2) as u16).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
    let buffer = PixelBuffer { data: &bytes, width: 64, height: 32, stride: 128, format: PixelFormat::Gray16 };
    let photo = Photo::from_buffer(&buffer).unwrap().with_full_scale(4095);
    let input = prepare(&photo, &View { pad: Pad::None, ..padded() }).unwrap();
    for (value, sample) in input.data.iter().zip(&samples) {
        assert_eq!(*value, f32::from(*sample) / 4095.0);
    }
    let plain = Photo::from_buffer(&buffer).unwrap();
    let told = prepare_within(&plain, &View { pad: Pad::None, ..padded() }, None, Some(4095)).unwrap();
    assert_eq!(told.data, input.data);
    let white = Photo::from_buffer(&buffer).unwrap().with_full_scale(100);
    assert_eq!(prepare(&white, &View { pad: Pad::None, ..padded() }).unwrap().data[2047], 1.0);
    assert_eq!(white.to_rgb8().get_pixel(63, 31).0, [255; 3]);
}
