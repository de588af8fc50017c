//! EXIF orientation: all eight, in a JPEG made here.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use patchcore_io::{Limits, Photo};

use crate::samples::encode;

/// `jpeg` with an EXIF segment after its first marker.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1, 0, exif.len() as u8 + 2]);
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn all_eight_orientations_are_turned_upright() {
    // Quarters of 16x24: bright to dark, so that every turn is told apart.
    let (w, h) = (16_u32, 24_u32);
    let stored =
        GrayImage::from_fn(w, h, |x, y| Luma([[[250, 180], [110, 40]][(y >= 12) as usize][(x >= 8) as usize]]));
    let jpeg = encode(&DynamicImage::from(stored), ImageFormat::Jpeg);
    // Top left, top right, bottom left, bottom right after turning, by the EXIF table.
    let expected = [
        (1, [250, 180, 110, 40]),
        (2, [180, 250, 40, 110]),
        (3, [40, 110, 180, 250]),
        (4, [110, 40, 250, 180]),
        (5, [250, 110, 180, 40]),
        (6, [110, 250, 40, 180]),
        (7, [40, 180, 110, 250]),
        (8, [180, 40, 250, 110]),
        (0, [250, 180, 110, 40]),
        (9, [250, 180, 110, 40]),
    ];
    for (orientation, quarters) in expected {
        let photo = Photo::decode("turned.jpg", &with_orientation(&jpeg, orientation), &Limits::default()).unwrap();
        let turned = (5..=8).contains(&orientation);
        assert_eq!((photo.width(), photo.height()), if turned { (h, w) } else { (w, h) }, "{orientation}");
        let rgb = photo.to_rgb8();
        let (w, h) = rgb.dimensions();
        let found = [(3, 3), (w - 4, 3), (3, h - 4), (w - 4, h - 4)].map(|(x, y)| rgb.get_pixel(x, y).0[0]);
        assert!(found.iter().zip(quarters).all(|(&a, b)| a.abs_diff(b) < 12), "{orientation}: {found:?}");
    }
}
