//! A picture as the bytes of a PNG file: what is written where is the caller's business.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use crate::ReportError;
use crate::own::PNG_CHUNK;

/// The signature, and the chunk with width, height and format.
const FIRST_CHUNK_END: usize = 8 + 25;

/// The file's bytes, which name the software that made them ([`OwnFile`](crate::OwnFile)).
///
/// # Errors
/// [`ReportError::Encode`] for a picture without pixels.
pub fn to_png(picture: &RgbImage) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = picture.dimensions();
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|source| ReportError::Encode { width, height, source })?;
    let mut bytes = bytes.into_inner();
    // Behind the signature and the first chunk, whose lengths are fixed.
    if bytes.len() >= FIRST_CHUNK_END {
        bytes.splice(FIRST_CHUNK_END..FIRST_CHUNK_END, PNG_CHUNK.iter().copied());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_reads_back_and_an_empty_one_is_refused() {
        let picture = RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        assert_eq!(image::load_from_memory(&to_png(&picture).unwrap()).unwrap().to_rgb8(), picture);
        let empty = to_png(&RgbImage::new(0, 4)).unwrap_err();
        assert!(matches!(empty, ReportError::Encode { width: 0, height: 4, .. }), "{empty}");
    }
}
