//! Encoded pictures that the tests make themselves.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use patchcore_config::{Resampling, Resize, Size, View};

/// A smooth colour picture.
pub fn picture(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 200 / width) as u8, (y * 200 / height) as u8, ((x + y) % 50) as u8])
    })
    .into()
}

/// `image` in `format`.
pub fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Resize without a crop.
pub fn view(resize: Resize, resampling: Resampling) -> View {
    View::resized(resize, resampling)
}

/// A size.
pub fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}
