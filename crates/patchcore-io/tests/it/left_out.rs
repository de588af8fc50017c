//! Formats whose decoder was left out of the build: named, never skipped, and pixels are taken all the same.

use image::ImageFormat;
use patchcore_config::{Resampling, Resize};
use patchcore_io::{DECODERS, ImageError, Limits, Photo, PixelBuffer, PixelFormat, good_images, prepare};

use crate::samples::{encode, picture, view};

const FORMATS: [(ImageFormat, &str, &str); 5] = [
    (ImageFormat::Png, "PNG", "png"),
    (ImageFormat::Jpeg, "JPEG", "jpeg"),
    (ImageFormat::Bmp, "BMP", "bmp"),
    (ImageFormat::Tiff, "TIFF", "tiff"),
    (ImageFormat::WebP, "WebP", "webp"),
];

#[test]
fn a_format_is_decoded_or_refused_by_its_name() {
    let compiled_in = |format: &str| DECODERS.iter().any(|decoder| decoder.format() == format);
    for (image_format, format, feature) in FORMATS {
        let found = Photo::decode("part-7", &encode(&picture(20, 10), image_format), &Limits::default());
        if compiled_in(format) {
            assert_eq!(found.unwrap().channels(), 3, "{format}");
            continue;
        }
        let error = found.unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, ImageError::FormatNotCompiledIn { .. }), "{told}");
        for part in ["part-7", format, &format!("enable the feature `{feature}` of patchcore")] {
            assert!(told.contains(part), "{told}");
        }
    }
    let expected = [cfg!(feature = "png"), cfg!(feature = "jpeg"), cfg!(feature = "bmp")];
    assert_eq!(["PNG", "JPEG", "BMP"].map(compiled_in), expected);
    assert_eq!(["TIFF", "WebP"].map(compiled_in), [cfg!(feature = "tiff"), cfg!(feature = "webp")]);
}

#[test]
fn a_folder_lists_photos_of_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for (_, _, extension) in FORMATS {
        std::fs::write(folder.path().join(format!("photo.{extension}")), "").unwrap();
    }
    assert_eq!(good_images(folder.path()).unwrap().len(), FORMATS.len());
}

#[test]
fn pixels_need_no_format() {
    let data: Vec<u8> = (0..40 * 30).map(|at| (at % 251) as u8).collect();
    let buffer = PixelBuffer { data: &data, width: 40, height: 30, stride: 40, format: PixelFormat::Gray8 };
    let input = prepare(&Photo::from_buffer(&buffer).unwrap(), &view(Resize::Keep, Resampling::Pil8Bit)).unwrap();
    let expected: Vec<f32> = data.iter().map(|sample| f32::from(*sample) / 255.0).collect();
    assert_eq!(input.data, expected);
}
