//! Bytes to pixels by one decoder, whether or not it has passed its check: limits before allocation, orientation,
//! and every failure typed.
//!
//! JPEG goes through [`jpeg`](crate::jpeg), TIFF through [`tiff`](crate::tiff); the other formats through the `image` crate. A decoder that panics on
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
        Decoder::Png => {
            check_frames(name, decoder, crate::animation::png_frames(bytes))?;
            crate::with_image::decode(name, bytes, decoder, image::ImageFormat::Png, limits)
        }
        #[cfg(feature = "jpeg")]
        Decoder::Jpeg => crate::jpeg::decode(name, bytes, limits),
        #[cfg(feature = "bmp")]
        Decoder::Bmp => match unknown_bmp_compression(bytes) {
            Some(number) => Err(ImageError::UnsupportedFeature {
                name: name.to_owned(),
                format: decoder.format(),
                feature: format!("compression {number}"),
            }),
            None => crate::with_image::decode(name, bytes, decoder, image::ImageFormat::Bmp, limits),
        },
        #[cfg(feature = "tiff")]
        Decoder::Tiff => crate::tiff::decode(name, bytes, limits),
        #[cfg(feature = "webp")]
        Decoder::WebP => {
            check_frames(name, decoder, crate::animation::webp_frames(bytes))?;
            let photo = crate::with_image::decode(name, bytes, decoder, image::ImageFormat::WebP, limits)?;
            Ok(if is_lossy_webp(bytes) { photo.with_loss() } else { photo })
        }
    }
}

/// Refuses an animation: which of its pictures is the photo, only the user knows.
#[cfg(any(feature = "png", feature = "webp"))]
fn check_frames(name: &str, decoder: Decoder, frames: usize) -> Result<(), ImageError> {
    match frames {
        0 | 1 => Ok(()),
        pages => Err(ImageError::ManyPages { name: name.to_owned(), format: decoder.format(), pages }),
    }
}

/// The number of a compression that is none of the usual six. The oldest headers, of 12 bytes, have no compression.
#[cfg(feature = "bmp")]
fn unknown_bmp_compression(bytes: &[u8]) -> Option<u32> {
    let number = |at: usize| bytes.get(at..)?.first_chunk::<4>().map(|number| u32::from_le_bytes(*number));
    let known = 0..=5;
    number(14).filter(|header| *header >= 40).and_then(|_| number(30)).filter(|number| !known.contains(number))
}

/// Whether the picture stands in a chunk of the lossy kind, behind chunks of metadata or not.
#[cfg(feature = "webp")]
fn is_lossy_webp(bytes: &[u8]) -> bool {
    crate::animation::webp_chunks(bytes).find(|name| matches!(*name, b"VP8 " | b"VP8L")) == Some(b"VP8 ")
}

#[cfg(all(test, feature = "webp"))]
mod tests {
    use super::*;

    #[test]
    fn a_lossy_webp_is_known_by_its_chunk() {
        let file = |chunks: &[(&[u8; 4], &[u8])]| {
            let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
            for (name, data) in chunks {
                bytes.extend([&name[..], &(data.len() as u32).to_le_bytes(), data].concat());
                bytes.resize(bytes.len().next_multiple_of(2), 0);
            }
            bytes
        };
        assert!(is_lossy_webp(&file(&[(b"VP8 ", &[1, 2])])));
        assert!(is_lossy_webp(&file(&[(b"VP8X", &[0; 10]), (b"ICCP", &[7; 3]), (b"VP8 ", &[1, 2])])));
        assert!(!is_lossy_webp(&file(&[(b"VP8L", &[1, 2])])) && !is_lossy_webp(&file(&[(b"VP8X", &[0; 10])])));
        assert!(!is_lossy_webp(&file(&[(b"VP8X", &[0; 10]), (b"ALPH", b"VP8 "), (b"VP8L", &[])])));
        assert!(!is_lossy_webp(b"RIFF") && !is_lossy_webp(&[0xff; 40]));
    }
}
