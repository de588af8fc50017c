//! The decoders that photos go through, and the releases that this library is tested with.

use image::ImageFormat;

/// A decoder, by the format that it decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decoder {
    /// PNG.
    Png,
    /// JPEG, baseline and progressive.
    Jpeg,
    /// Windows bitmaps.
    Bmp,
    /// TIFF.
    Tiff,
    /// WebP, with and without loss.
    WebP,
}

/// All decoders.
pub const DECODERS: [Decoder; 5] = [Decoder::Png, Decoder::Jpeg, Decoder::Bmp, Decoder::Tiff, Decoder::WebP];

impl Decoder {
    /// The decoder of a format, if there is one.
    pub(crate) fn of(format: ImageFormat) -> Option<Self> {
        DECODERS.into_iter().find(|decoder| decoder.image_format() == format)
    }

    pub(crate) fn image_format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Bmp => ImageFormat::Bmp,
            Self::Tiff => ImageFormat::Tiff,
            Self::WebP => ImageFormat::WebP,
        }
    }

    /// The format's name.
    #[must_use]
    pub fn format(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
        }
    }

    /// The crate that decodes it.
    #[must_use]
    pub fn library(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "zune-jpeg",
            Self::Bmp => "image",
            Self::Tiff => "tiff",
            Self::WebP => "image-webp",
        }
    }

    /// The version of [`Decoder::library`] that this library is tested with.
    #[must_use]
    pub fn tested_version(self) -> &'static str {
        match self {
            Self::Png => "0.18.1",
            Self::Jpeg => "0.5.15",
            Self::Bmp => "0.25.10",
            Self::Tiff => "0.11.3",
            Self::WebP => "0.2.4",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_named_are_those_of_the_lock() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        // A published package has no workspace around it.
        let Ok(lock) = std::fs::read_to_string(lock) else { return };
        for decoder in DECODERS {
            let entry = format!("name = \"{}\"\nversion = \"{}\"", decoder.library(), decoder.tested_version());
            assert!(lock.contains(&entry), "Cargo.lock has another version than {entry}");
        }
    }
}
