//! The format of a picture, by the bytes that it starts with.

/// Formats that there is a decoder for, and the cargo feature that brings it.
const FEATURES: [(&str, &str); 5] =
    [("PNG", "png"), ("JPEG", "jpeg"), ("BMP", "bmp"), ("TIFF", "tiff"), ("WebP", "webp")];

/// How files of a format start; a zero byte of [`WEBP`] stands for any.
const STARTS: [(&[u8], &str); 27] = [
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"MM\0*", "TIFF"),
    (b"II*\0", "TIFF"),
    // BigTIFF.
    (b"MM\0+", "TIFF"),
    (b"II+\0", "TIFF"),
    (WEBP, "WebP"),
    (b"GIF89a", "GIF"),
    (b"GIF87a", "GIF"),
    (b"DDS ", "DDS"),
    (b"\0\0\x01\0", "ICO"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"qoif", "QOI"),
    (b"farbfeld", "farbfeld"),
    (b"P1", "PNM"),
    (b"P2", "PNM"),
    (b"P3", "PNM"),
    (b"P4", "PNM"),
    (b"P5", "PNM"),
    (b"P6", "PNM"),
    (b"P7", "PNM"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
];

/// RIFF, the file's length, WEBP.
const WEBP: &[u8] = b"RIFF\0\0\0\0WEBP";

/// The name of the format that `bytes` are in, whether or not it is decoded.
pub(crate) fn format_of(bytes: &[u8]) -> Option<&'static str> {
    let starts = |start: &[u8]| {
        let same = |(byte, wanted): (&u8, &u8)| byte == wanted || (start == WEBP && *wanted == 0);
        bytes.len() >= start.len() && bytes.iter().zip(start).all(same)
    };
    let known = STARTS.iter().find(|(start, _)| starts(start)).map(|(_, format)| *format);
    known.or_else(|| match bytes.get(4..12) {
        Some(b"ftypavif" | b"ftypavis") => Some("AVIF"),
        Some(b"ftypheic" | b"ftypheix" | b"ftyphevc" | b"ftypmif1" | b"ftypmsf1") => Some("HEIC"),
        _ => None,
    })
}

/// The cargo feature that brings the decoder of a format; nothing for one that no decoder is for.
pub(crate) fn feature_of(format: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(name, _)| *name == format).map(|(_, feature)| *feature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DECODERS;

    #[test]
    fn every_known_picture_starts_as_its_format_does() {
        for decoder in DECODERS {
            for picture in decoder.known_pictures() {
                assert_eq!(format_of(picture.bytes), Some(decoder.format()), "{}", picture.name);
            }
            assert!(feature_of(decoder.format()).is_some());
        }
    }

    #[test]
    fn text_noise_and_half_a_start_are_no_format() {
        for bytes in [&b""[..], b"hello", &[0; 64], b"\x89PNG", b"RIFF\x10\0\0\0WAVEfmt ", b"RIFF\0\0\0\0WEB"] {
            assert_eq!(format_of(bytes), None, "{bytes:?}");
        }
        assert_eq!(format_of(b"RIFF\x10\x01\0\0WEBPVP8 "), Some("WebP"));
        assert_eq!(format_of(b"\0\0\0\x24ftypheic\0\0\0\0"), Some("HEIC"));
        assert_eq!(format_of(b"\0\0\0\x20ftypavif\0\0\0\0"), Some("AVIF"));
        assert_eq!(format_of(b"GIF89a\x01\0\x01\0"), Some("GIF"));
        assert_eq!(feature_of("GIF"), None);
    }
}
