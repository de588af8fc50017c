//! Files and bytes to photos: format by content, the decoder's check, then the decoder itself.

use std::io::Read;
use std::path::Path;

use crate::format::{feature_of, format_of};
use crate::unchecked_decode::decode_with;
use crate::{Decoder, ImageError, Limits, Photo, path_text, photo_file};

impl Photo {
    /// Reads and decodes a file. Its content decides the format, not its extension.
    ///
    /// # Errors
    /// [`ImageError`] naming the file: unreadable, not a regular file, empty, no image, unsupported, truncated,
    /// damaged, or beyond `limits`.
    pub fn open(path: &Path, limits: &Limits) -> Result<Photo, ImageError> {
        let name = path_text(path);
        let (file, length) = photo_file::open(path)?;
        let limit = limits.max_alloc_bytes;
        if length > limit {
            return Err(ImageError::TooMuchMemory { name, needed: length, limit });
        }
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        file.take(limit).read_to_end(&mut bytes).map_err(|source| photo_file::unreadable(path, source))?;
        Ok(Photo::decode(&name, &bytes, limits)?.with_path(path))
    }

    /// Decodes bytes; `name` is only used in errors.
    ///
    /// # Errors
    /// As [`Photo::open`], apart from reading.
    pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
        Ok(decode(name, bytes, limits)?.with_name(name))
    }
}

/// Decodes `bytes` and turns the picture upright.
fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty { name: name.to_owned() });
    }
    let Some(format) = format_of(bytes) else {
        return Err(ImageError::NotAnImage { name: name.to_owned(), found: first_bytes(bytes) });
    };
    let Some(decoder) = Decoder::of(format) else {
        return Err(match feature_of(format) {
            Some(feature) => ImageError::FormatNotCompiledIn { name: name.to_owned(), format, feature },
            None => ImageError::UnsupportedFormat { name: name.to_owned(), found: format.to_owned() },
        });
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
