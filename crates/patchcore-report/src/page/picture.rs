//! Pictures inside a page: JPEG in a `data:` address, never larger than a page can show.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};

use crate::ReportError;

/// Long side of an embedded picture, in pixels: what is seen when it is enlarged.
const LONG_SIDE: u32 = 512;
const QUALITY: u8 = 80;

/// A picture that the template writes.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The `data:` address.
    pub(crate) source: String,
    /// Columns.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
    /// The same in words.
    pub(crate) alt: String,
}

impl Picture {
    /// Encodes a picture, scaled down to a long side of 512 pixels where it is larger.
    pub(crate) fn new(picture: &RgbImage, alt: String) -> Result<Self, ReportError> {
        Self::sized(picture, LONG_SIDE, alt)
    }

    /// Encodes a picture, scaled down to this long side where it is larger.
    pub(crate) fn sized(picture: &RgbImage, long_side: u32, alt: String) -> Result<Self, ReportError> {
        let (width, height) = picture.dimensions();
        let long = width.max(height);
        let scaled;
        let shown = if long > long_side {
            let side = |side: u32| (u64::from(side) * u64::from(long_side) / u64::from(long)).max(1) as u32;
            scaled = imageops::resize(picture, side(width), side(height), FilterType::Triangle);
            &scaled
        } else {
            picture
        };
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, QUALITY)
            .encode_image(shown)
            .map_err(|source| ReportError::EncodePicture { what: alt.clone(), source })?;
        let source = format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes));
        Ok(Self { source, width: shown.width(), height: shown.height(), alt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_scaled_down_and_decode() {
        let picture = Picture::new(&RgbImage::new(1000, 500), "black".to_owned()).unwrap();
        assert_eq!((picture.width, picture.height), (512, 256));
        let data = picture.source.strip_prefix("data:image/jpeg;base64,").unwrap();
        let decoded = image::load_from_memory(&STANDARD.decode(data).unwrap()).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (512, 256));
        assert!(Picture::new(&RgbImage::new(0, 0), String::new()).is_err());
    }
}
