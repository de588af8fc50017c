//! The decoders that photos go through, and the releases that this library is tested with.

use crate::known_pictures::KnownPicture;

/// A decoder, by the format that it decodes. There are those whose cargo feature is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decoder {
    /// PNG.
    #[cfg(feature = "png")]
    Png,
    /// JPEG, baseline and progressive.
    #[cfg(feature = "jpeg")]
    Jpeg,
    /// Windows bitmaps.
    #[cfg(feature = "bmp")]
    Bmp,
    /// TIFF.
    #[cfg(feature = "tiff")]
    Tiff,
    /// WebP, with and without loss.
    #[cfg(feature = "webp")]
    WebP,
}

/// All decoders that are compiled in.
pub const DECODERS: &[Decoder] = &[
    #[cfg(feature = "png")]
    Decoder::Png,
    #[cfg(feature = "jpeg")]
    Decoder::Jpeg,
    #[cfg(feature = "bmp")]
    Decoder::Bmp,
    #[cfg(feature = "tiff")]
    Decoder::Tiff,
    #[cfg(feature = "webp")]
    Decoder::WebP,
];

/// What belongs to a decoder.
struct Facts {
    format: &'static str,
    library: &'static str,
    tested_version: &'static str,
    known_pictures: &'static [KnownPicture],
}

impl Decoder {
    /// The decoder of a format, by its name.
    pub(crate) fn of(format: &str) -> Option<Self> {
        DECODERS.iter().copied().find(|decoder| decoder.format() == format)
    }

    fn facts(self) -> Facts {
        match self {
            #[cfg(feature = "png")]
            Self::Png => Facts {
                format: "PNG",
                library: "png",
                tested_version: "0.18.1",
                known_pictures: &crate::known_pictures::PNG,
            },
            #[cfg(feature = "jpeg")]
            Self::Jpeg => Facts {
                format: "JPEG",
                library: "zune-jpeg",
                tested_version: "0.5.15",
                known_pictures: &crate::known_pictures::JPEG,
            },
            #[cfg(feature = "bmp")]
            Self::Bmp => Facts {
                format: "BMP",
                library: "image",
                tested_version: "0.25.10",
                known_pictures: &crate::known_pictures::BMP,
            },
            #[cfg(feature = "tiff")]
            Self::Tiff => Facts {
                format: "TIFF",
                library: "tiff",
                tested_version: "0.11.3",
                known_pictures: &crate::known_pictures::TIFF,
            },
            #[cfg(feature = "webp")]
            Self::WebP => Facts {
                format: "WebP",
                library: "image-webp",
                tested_version: "0.2.4",
                known_pictures: &crate::known_pictures::WEBP,
            },
        }
    }

    /// The format's name.
    #[must_use]
    pub fn format(self) -> &'static str {
        self.facts().format
    }

    /// The crate that decodes it.
    #[must_use]
    pub fn library(self) -> &'static str {
        self.facts().library
    }

    /// The version of [`Decoder::library`] that this library is tested with.
    #[must_use]
    pub fn tested_version(self) -> &'static str {
        self.facts().tested_version
    }

    pub(crate) fn known_pictures(self) -> &'static [KnownPicture] {
        self.facts().known_pictures
    }
}

/// The formats that are decoded, as an error lists what it expected: `PNG, JPEG or BMP`.
pub(crate) fn expected_formats() -> String {
    let names: Vec<&str> = DECODERS.iter().map(|decoder| decoder.format()).collect();
    match names.as_slice() {
        [] => "a format that is compiled in (none is)".to_owned(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
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

    #[test]
    fn what_is_expected_names_every_decoder() {
        let expected = expected_formats();
        assert!(DECODERS.iter().all(|decoder| expected.contains(decoder.format())), "{expected}");
        assert_eq!(DECODERS.is_empty(), expected.ends_with("(none is)"));
        if DECODERS.len() == 5 {
            assert_eq!(expected, "PNG, JPEG, BMP, TIFF or WebP");
        }
    }
}
