//! Bytes to pixels by one decoder, whether or not it has passed its check: limits before allocation, orientation,
//! and every failure typed.
//!
//! JPEG goes through [`jpeg`](crate::jpeg); the other formats through the `image` crate. A decoder that panics on
//! strange bytes has a defect that we cannot rule out from here, so the call is wrapped in `catch_unwind` as the last
//! line of defence: the file is reported as [`ImageError::DecoderPanicked`] and the run goes on. (The panic message
//! still goes to stderr by the default hook, and an application built with `panic = "abort"` still aborts.)

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Decoder, ImageError, Limits, Photo};

/// Decodes with a decoder that may not have passed its check.
pub(crate) fn decode_with(decoder: Decoder, name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| unguarded(decoder, name, bytes, limits)));
    decoded.unwrap_or_else(|_| Err(ImageError::DecoderPanicked { name: name.to_owned(), format: decoder.format() }))
}

#[cfg_attr(
    not(feature = "png"),
    allow(unused_variables, reason = "without any format there is no decoder to give them to")
)]
fn unguarded(decoder: Decoder, name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    match decoder {
        #[cfg(feature = "png")]
        Decoder::Png => crate::with_image::decode(name, bytes, decoder, image::ImageFormat::Png, limits),
        #[cfg(feature = "jpeg")]
        Decoder::Jpeg => crate::jpeg::decode(name, bytes, limits),
        #[cfg(feature = "bmp")]
        Decoder::Bmp => crate::with_image::decode(name, bytes, decoder, image::ImageFormat::Bmp, limits),
        #[cfg(feature = "tiff")]
        Decoder::Tiff => crate::with_image::decode(name, bytes, decoder, image::ImageFormat::Tiff, limits),
        #[cfg(feature = "webp")]
        Decoder::WebP => crate::with_image::decode(name, bytes, decoder, image::ImageFormat::WebP, limits),
    }
}
