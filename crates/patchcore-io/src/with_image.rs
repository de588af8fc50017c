//! Bytes to pixels by the `image` crate, which decodes every format but JPEG: limits before allocation, orientation, and every
//! failure typed.

use std::error::Error;
use std::io::{self, Cursor};

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use crate::check_limits::check_limits;
use crate::{Decoder, ImageError, Limits, Photo};

/// Decodes by the one of the crate's decoders that is for `format`, and turns upright.
pub(crate) fn decode(
    name: &str,
    bytes: &[u8],
    decoder: Decoder,
    format: ImageFormat,
    limits: &Limits,
) -> Result<Photo, ImageError> {
    let error = |source| typed(name, decoder.format(), limits, source);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The sides are checked below, where their values can be told.
    let mut decoder_limits = image::Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_alloc_bytes);
    if format == ImageFormat::Png {
        // The PNG decoder tells the header's size only after it has accepted it: look first.
        if let Some(size) = png_size(bytes) {
            check_limits(name, size, 0, limits)?;
        }
    }
    reader.limits(decoder_limits);
    let mut opened = reader.into_decoder().map_err(error)?;
    check_limits(name, opened.dimensions(), opened.total_bytes(), limits)?;
    // Unreadable metadata is no reason to refuse the pixels.
    let orientation = opened.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(opened).map_err(error)?;
    image.apply_orientation(orientation);
    Ok(image.into())
}

/// Width and height of the IHDR chunk, which a PNG starts with.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| bytes.get(at..)?.first_chunk::<4>().map(|side| u32::from_be_bytes(*side));
    (bytes.get(12..16)? == b"IHDR").then_some((side(16)?, side(20)?))
}

fn typed(name: &str, format: &'static str, limits: &Limits, source: image::ImageError) -> ImageError {
    let name = name.to_owned();
    let reason = source.to_string();
    if ends_early(&source) {
        return ImageError::Truncated { name, format, reason };
    }
    match source {
        image::ImageError::Limits(_) => {
            let limit = limits.max_alloc_bytes;
            ImageError::TooMuchMemory { name, needed: limit.saturating_add(1), limit }
        }
        image::ImageError::Unsupported(unsupported) => {
            let feature = match unsupported.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => feature,
                _ => reason,
            };
            ImageError::UnsupportedFeature { name, format, feature }
        }
        _ => ImageError::Damaged { name, format, reason },
    }
}

/// Whether the bytes ran out, by the `io::Error` at the bottom of the decoder's error.
fn ends_early(source: &image::ImageError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(source);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return io.kind() == io::ErrorKind::UnexpectedEof;
        }
        cause = error.source();
    }
    if let image::ImageError::IoError(io) = source { io.kind() == io::ErrorKind::UnexpectedEof } else { false }
}
