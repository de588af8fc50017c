//! Bytes to pixels: format by content, the decoder's check, then the decoder itself.

use image::DynamicImage;

use crate::unchecked_decode::decode_with;
use crate::{Decoder, ImageError, Limits};

/// Decodes `bytes` and turns the picture upright.
pub(crate) fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<DynamicImage, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty { name: name.to_owned() });
    }
    let Ok(format) = image::guess_format(bytes) else {
        return Err(ImageError::NotAnImage { name: name.to_owned(), found: first_bytes(bytes) });
    };
    let Some(decoder) = Decoder::of(format) else {
        return Err(ImageError::UnsupportedFormat { name: name.to_owned(), found: format!("{format:?}") });
    };
    decoder.check().map_err(|fault| ImageError::DecoderDiffers { name: name.to_owned(), fault })?;
    decode_with(decoder, name, bytes, limits)
}

/// The start of a file that is no image, as text when it is text, else in hexadecimal.
fn first_bytes(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(12)).unwrap_or_default();
    let printable = |byte: &u8| (0x20..0x7f).contains(byte) || byte.is_ascii_whitespace();
    if start.iter().all(printable) {
        format!("the text {:?}", String::from_utf8_lossy(start))
    } else {
        format!("the bytes {start:02x?}")
    }
}
