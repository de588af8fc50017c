//! Photos from bare buffers and from `image`.

use image::DynamicImage;
use patchcore_io::{ImageError, Photo, PixelBuffer, PixelFormat};

fn rgb(data: &[u8], stride: usize, format: PixelFormat) -> Vec<u8> {
    let buffer = PixelBuffer { data, width: 2, height: 2, stride, format };
    Photo::from_buffer(&buffer).unwrap().to_rgb8().into_raw()
}

#[test]
fn every_format_and_a_padded_stride_give_the_same_photo() {
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    assert_eq!(rgb(&expected, 6, PixelFormat::Rgb8), expected);
    assert_eq!(rgb(&[1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12], 8, PixelFormat::Rgb8), expected);
    assert_eq!(rgb(&[3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10], 6, PixelFormat::Bgr8), expected);
    assert_eq!(rgb(&[1, 2, 3, 0, 4, 5, 6, 9, 7, 8, 9, 0, 10, 11, 12, 0], 8, PixelFormat::Rgba8), expected);
    assert_eq!(rgb(&[3, 2, 1, 0, 6, 5, 4, 9, 9, 8, 7, 0, 12, 11, 10, 0], 8, PixelFormat::Bgra8), expected);
    assert_eq!(rgb(&[1, 2, 3, 4], 2, PixelFormat::Gray8), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    let deep =
        |samples: &[u8]| -> Vec<u8> { samples.iter().flat_map(|&s| (u16::from(s) * 257).to_ne_bytes()).collect() };
    assert_eq!(rgb(&deep(&expected), 12, PixelFormat::Rgb16), expected);
    assert_eq!(rgb(&deep(&[1, 2, 3, 4]), 4, PixelFormat::Gray16), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
}

#[test]
fn a_buffer_that_does_not_fit_is_refused() {
    let whole = PixelBuffer { data: &[0; 11], width: 2, height: 2, stride: 6, format: PixelFormat::Rgb8 };
    assert!(matches!(
        Photo::from_buffer(&whole),
        Err(ImageError::BufferTooShort { found: 11, needed: 12, height: 2, stride: 6 })
    ));
    assert!(matches!(
        Photo::from_buffer(&PixelBuffer { stride: 5, ..whole }),
        Err(ImageError::StrideTooSmall { stride: 5, needed: 6, .. })
    ));
    for (width, height) in [(0, 2), (2, 0), (0, 0)] {
        let empty = Photo::from_buffer(&PixelBuffer { width, height, ..whole });
        assert!(matches!(empty, Err(ImageError::NoPixels { .. })));
    }
    let huge = PixelBuffer { width: u32::MAX, height: u32::MAX, stride: usize::MAX, ..whole };
    assert!(matches!(Photo::from_buffer(&huge), Err(ImageError::BufferTooShort { needed: u64::MAX, .. })));
}

#[test]
fn alpha_is_dropped_not_blended() {
    let rgba = image::RgbaImage::from_pixel(2, 1, image::Rgba([10, 20, 30, 0]));
    let photo = Photo::from_dynamic(rgba.into());
    assert_eq!(photo.to_rgb8().into_raw(), [10, 20, 30, 10, 20, 30]);
    let grey =
        Photo::from_dynamic(DynamicImage::ImageLumaA8(image::GrayAlphaImage::from_pixel(1, 1, image::LumaA([9, 0]))));
    assert_eq!((grey.channels(), grey.to_rgb8().into_raw()), (1, vec![9, 9, 9]));
    let float = Photo::from_dynamic(DynamicImage::ImageRgb32F(image::Rgb32FImage::from_pixel(
        1,
        1,
        image::Rgb([f32::NAN, 2.0, 0.5]),
    )));
    assert_eq!(float.bits_per_sample(), 32);
    assert_eq!(float.to_rgb8().into_raw()[1..], [255, 128]);
}
