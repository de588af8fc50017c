//! A small picture of a photo, as the bytes of a file, to be kept where the photo may be gone.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};

use crate::{ImageError, Photo};

/// Hardly told from the original by eye.
const QUALITY: u8 = 90;

impl Photo {
    /// The photo as JPEG in 8-bit RGB with a short side of at most `short_side` pixels; a smaller photo keeps its size.
    ///
    /// # Errors
    /// [`ImageError::Damaged`] for a size that no JPEG has: a side of more than 65535 pixels.
    pub fn thumbnail(&self, short_side: u32) -> Result<Vec<u8>, ImageError> {
        let (photo, short) = (self.to_rgb8(), self.width().min(self.height()).max(1));
        let shown = short.min(short_side.max(1));
        let side = |side: u32| (f64::from(side) * f64::from(shown) / f64::from(short)).round() as u32;
        let (width, height) = (side(photo.width()), side(photo.height()));
        let small = match shown == short {
            true => photo,
            false => imageops::resize(&photo, width, height, FilterType::Triangle),
        };
        let mut bytes = Vec::new();
        let written = JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode(
            small.as_raw(),
            small.width(),
            small.height(),
            ExtendedColorType::Rgb8,
        );
        match written {
            Ok(()) => Ok(bytes),
            Err(error) => Err(ImageError::Damaged {
                name: self.name().to_owned(),
                format: "JPEG",
                reason: format!("a smaller picture of it cannot be written: {error}"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Photo, PixelBuffer, PixelFormat};

    fn photo(width: u32, height: u32) -> Photo {
        let data: Vec<u8> = (0..width * height).map(|at| ((at % width) * 255 / width) as u8).collect();
        let stride = width as usize;
        Photo::from_buffer(&PixelBuffer { data: &data, width, height, stride, format: PixelFormat::Gray8 }).unwrap()
    }

    #[test]
    fn thumbnails_keep_the_shape_and_nearly_the_pixels() {
        for ((width, height), expected) in [((400, 200), (128, 64)), ((30, 50), (30, 50)), ((64, 640), (64, 640))] {
            let bytes = photo(width, height).thumbnail(64).unwrap();
            let small = Photo::decode("thumbnail", &bytes, &Limits::default()).unwrap();
            assert_eq!((small.width(), small.height()), expected);
            let pixels = small.to_rgb8();
            for x in 0..expected.0 {
                let grey = f64::from(pixels.get_pixel(x, expected.1 / 2).0[0]);
                let was = (f64::from(x) + 0.5) * 255.0 / f64::from(expected.0);
                assert!((grey - was).abs() < 8.0, "{x}: {grey}, expected about {was}");
            }
        }
        assert!(photo(70_000, 2).thumbnail(64).is_err());
    }
}
