//! Files that are not what they say: every one a typed error that names the file.

use std::path::Path;
use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat};
use patchcore_config::{Resampling, Resize};
use patchcore_io::{ImageError, Limits, Photo, prepare};
use proptest::prelude::*;

use crate::samples::{encode, picture, view};
use crate::tiffs;

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP];

fn decode(bytes: &[u8]) -> Result<Photo, ImageError> {
    Photo::decode("part-7.png", bytes, &Limits::default())
}

fn refused(bytes: &[u8]) -> ImageError {
    let error = decode(bytes).unwrap_err();
    assert!(error.to_string().contains("part-7.png"), "{error}");
    error
}

#[test]
fn content_decides_the_format() {
    for format in FORMATS {
        let photo = decode(&encode(&picture(20, 10), format)).unwrap();
        assert_eq!((photo.width(), photo.height(), photo.channels()), (20, 10, 3), "{format:?}");
        let pixel = decode(&encode(&picture(1, 1), format)).unwrap();
        assert_eq!((pixel.width(), pixel.height()), (1, 1), "{format:?}");
    }
    let deep = DynamicImage::from(picture(4, 4).to_rgb16());
    assert_eq!(decode(&encode(&deep, ImageFormat::Png)).unwrap().bits_per_sample(), 16);
    assert_eq!(decode(&encode(&deep, ImageFormat::Tiff)).unwrap().bits_per_sample(), 16);
}

#[test]
fn no_image_at_all() {
    assert!(matches!(refused(b""), ImageError::Empty { .. }));
    let error = refused(b"hello, this is a text");
    assert!(matches!(error, ImageError::NotAnImage { .. }) && error.to_string().contains("hello"), "{error}");
    assert!(matches!(refused(&[0; 100]), ImageError::NotAnImage { .. }));
    assert!(matches!(refused(b"GIF89a\x01\0\x01\0"), ImageError::UnsupportedFormat { .. }));
}

#[test]
fn every_truncation_of_png_and_jpeg_is_an_error() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let bytes = encode(&picture(64, 48), format);
        // A PNG without its last chunk (12 bytes, no pixels) is whole.
        let end = if format == ImageFormat::Png { bytes.len() - 16 } else { bytes.len() };
        for length in (4..end).step_by(7).chain([end - 1]) {
            let error = refused(&bytes[..length]);
            let early = length < 9; // not even the signature
            assert!(
                early || matches!(error, ImageError::Truncated { .. } | ImageError::Damaged { .. }),
                "{format:?} {length}: {error}"
            );
        }
        assert!(matches!(refused(&bytes[..bytes.len() / 2]), ImageError::Truncated { .. }), "{format:?}");
    }
    for format in [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let bytes = encode(&picture(64, 48), format);
        refused(&bytes[..bytes.len() / 2]);
    }
}

/// A PNG whose header claims another size, with a right checksum.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encode(&picture(8, 8), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = bytes[12..29].iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

/// A JPEG whose frame header claims another size.
fn jpeg_claiming(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = encode(&picture(64, 64), ImageFormat::Jpeg);
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn a_lying_header_is_an_error_and_a_bomb_takes_no_memory() {
    let start = Instant::now();
    assert!(matches!(refused(&png_claiming(60_000, 60_000)), ImageError::TooLarge { width: 60_000, .. }));
    assert!(matches!(refused(&png_claiming(30_000, 30_000)), ImageError::TooMuchMemory { .. }));
    assert!(matches!(refused(&jpeg_claiming(60_000, 60_000)), ImageError::TooLarge { width: 60_000, .. }));
    assert!(matches!(refused(&jpeg_claiming(30_000, 30_000)), ImageError::TooMuchMemory { .. }));
    assert!(start.elapsed() < Duration::from_secs(2));
    let error = refused(&png_claiming(8, 9));
    assert!(matches!(error, ImageError::Truncated { .. } | ImageError::Damaged { .. }), "{error}");
    let error = refused(&png_claiming(0, 8));
    assert!(matches!(error, ImageError::NoPixels { .. }), "{error}");
    for (width, height) in [(64, 640), (640, 64), (1024, 1024)] {
        let error = refused(&jpeg_claiming(width, height));
        assert!(matches!(error, ImageError::Truncated { .. } | ImageError::Damaged { .. }), "{error}");
    }
}

#[test]
fn limits_are_the_callers() {
    let bytes = encode(&picture(64, 48), ImageFormat::Png);
    let limited = |limits| Photo::decode("x", &bytes, &limits);
    assert!(matches!(
        limited(Limits { max_width: 63, ..Limits::default() }),
        Err(ImageError::TooLarge { width: 64, max_width: 63, .. })
    ));
    assert!(matches!(limited(Limits { max_height: 47, ..Limits::default() }), Err(ImageError::TooLarge { .. })));
    for format in FORMATS {
        let bytes = encode(&picture(64, 48), format);
        let tight = Limits { max_alloc_bytes: 64 * 48 * 3 - 1, ..Limits::default() };
        let error = Photo::decode("x", &bytes, &tight).unwrap_err();
        assert!(matches!(error, ImageError::TooMuchMemory { .. }), "{format:?} {error}");
    }
}

#[test]
fn twenty_thousand_pixels_work() {
    let bytes = encode(&DynamicImage::from(GrayImage::new(20_000, 50)), ImageFormat::Png);
    assert_eq!(decode(&bytes).unwrap().width(), 20_000);
}

#[test]
fn paths_that_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| Photo::open(path, &Limits::default()).unwrap_err();
    assert!(matches!(open(&folder.path().join("gone.png")), ImageError::Read { .. }));
    assert!(matches!(open(folder.path()), ImageError::NotAFile { found: "a folder", .. }));
    let text = folder.path().join("text.png");
    std::fs::write(&text, "no image").unwrap();
    assert!(matches!(open(&text), ImageError::NotAnImage { .. }));
    let tight = Limits { max_alloc_bytes: 4, ..Limits::default() };
    assert!(matches!(Photo::open(&text, &tight), Err(ImageError::TooMuchMemory { needed: 8, limit: 4, .. })));
    #[cfg(unix)]
    {
        let link = folder.path().join("loop.png");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        assert!(matches!(open(&link), ImageError::Read { .. }));
        assert!(matches!(open(Path::new("/dev/zero")), ImageError::NotAFile { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 800,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    /// Never a panic that escapes, and never one that had to be caught.
    #[test]
    fn any_bytes_are_survived(
        which in 0_usize..10, cut in 0.0_f64..1.3, edits in prop::collection::vec((any::<u16>(), any::<u8>()), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..64), keep in any::<bool>(),
    ) {
        let mut bytes = match which.checked_sub(FORMATS.len()) {
            None => encode(&picture(24, 17), FORMATS[which]),
            Some(0) => tiffs::pages(&[(10, 1), (20, 0), (30, 4)]),
            Some(1) => tiffs::big_tiff(),
            Some(2) => tiffs::tiles_of_planes(),
            Some(3) => tiffs::small(32, &[0x3f; 16], &[(339, 3, &[3]), (274, 3, &[6])]),
            Some(_) => std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jpeg/progressive_420.jpg")).unwrap(),
        };
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        for (at, value) in edits {
            // The first bytes decide the format: half of the time they stay.
            let at = if keep { 12 + usize::from(at) % 600 } else { usize::from(at) % 600 };
            if let Some(byte) = bytes.get_mut(at) { *byte = value; }
        }
        bytes.extend(tail);
        let limits = Limits { max_alloc_bytes: 1 << 24, ..Limits::default() };
        let prepared = Photo::decode("mutated", &bytes, &limits)
            .and_then(|photo| prepare(&photo, &view(Resize::Short(8), Resampling::Native)));
        if let Err(error) = prepared {
            prop_assert!(error.to_string().contains("mutated"));
            prop_assert!(!matches!(error, ImageError::DecoderPanicked { .. }), "{error}");
        }
    }
}
