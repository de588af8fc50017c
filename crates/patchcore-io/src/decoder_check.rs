//! Checks each decoder on test pictures before it decodes its first photo.
//!
//! Scores begin with the decoder's pixels, and an application may bring a later patch release of one than this library
//! was tested with. So each decodes, once a process and in well under a millisecond, the small files of
//! [`known_pictures`]; where a result differs from the expected one, photos of that format are refused with a [`DecoderFault`].

use std::sync::OnceLock;

use image::DynamicImage;
use sha2::{Digest, Sha256};

use crate::known_pictures::{self, KnownPicture, REFUSED};
use crate::unchecked_decode::decode_with;
use crate::{DECODERS, Decoder, DecoderFault, ImageError, Limits};

impl Decoder {
    /// Whether it decodes the test pictures as expected; checked once a process.
    ///
    /// # Errors
    /// The first picture that comes out different.
    pub fn check(self) -> Result<(), DecoderFault> {
        static VERDICTS: [OnceLock<Result<(), DecoderFault>>; DECODERS.len()] =
            [const { OnceLock::new() }; DECODERS.len()];
        let check = || self.check_with(decode_with);
        VERDICTS.get(self as usize).map_or_else(check, |verdict| verdict.get_or_init(check).clone())
    }

    fn known_pictures(self) -> &'static [KnownPicture] {
        match self {
            Self::Png => &known_pictures::PNG,
            Self::Jpeg => &known_pictures::JPEG,
            Self::Bmp => &known_pictures::BMP,
            Self::Tiff => &known_pictures::TIFF,
            Self::WebP => &known_pictures::WEBP,
        }
    }

    fn check_with(
        self,
        decode: impl Fn(Self, &str, &[u8], &Limits) -> Result<DynamicImage, ImageError>,
    ) -> Result<(), DecoderFault> {
        for picture in self.known_pictures() {
            let found = match decode(self, picture.name, picture.bytes, &Limits::default()) {
                Ok(image) => describe(&image),
                Err(ImageError::Truncated { .. } | ImageError::Damaged { .. }) if picture.expected == REFUSED => {
                    continue;
                }
                Err(error) => error.to_string(),
            };
            if found != picture.expected {
                return Err(DecoderFault { decoder: self, picture: picture.name, expected: picture.expected, found });
            }
        }
        Ok(())
    }
}

/// Size, layout and digest of a picture.
fn describe(image: &DynamicImage) -> String {
    let digest = Sha256::digest(image.as_bytes());
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}x{} {:?} {digits}", image.width(), image.height(), image.color())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decoder_passes_its_check() {
        for decoder in DECODERS {
            assert_eq!(decoder.check(), Ok(()), "{decoder:?}");
        }
    }

    /// The expected value of the lossless formats does not come from a decoder.
    #[test]
    fn the_lossless_picture_is_the_one_that_its_documentation_describes() {
        let picture = image::RgbImage::from_fn(7, 5, |x, y| {
            image::Rgb([40 * x, 60 * y, (37 * x * y + 11) % 256].map(|sample| sample as u8))
        });
        for known in [known_pictures::PNG[0], known_pictures::BMP[0], known_pictures::TIFF[0], known_pictures::WEBP[0]]
        {
            assert_eq!(known.expected, describe(&picture.clone().into()));
        }
    }

    #[test]
    fn one_altered_sample_is_found_and_named() {
        for decoder in DECODERS {
            let altered = |decoder, name: &str, bytes: &[u8], limits: &Limits| {
                let mut image = decode_with(decoder, name, bytes, limits)?;
                let last = match &mut image {
                    DynamicImage::ImageLuma8(grey) => grey.last_mut(),
                    DynamicImage::ImageRgb8(rgb) => rgb.last_mut(),
                    other => panic!("{:?}", other.color()),
                };
                *last.unwrap() ^= 1;
                Ok(image)
            };
            let fault = decoder.check_with(altered).unwrap_err();
            let told = fault.to_string();
            for word in [decoder.format(), decoder.library(), decoder.tested_version(), fault.expected, &fault.found] {
                assert!(told.contains(word), "{told}");
            }
            assert_ne!(fault.found, fault.expected);
        }
    }

    /// What a decoder that fills the missing rows of a cut file with grey would be caught by.
    #[test]
    fn a_cut_file_that_decodes_is_found() {
        let lenient = |decoder, name: &str, bytes: &[u8], limits: &Limits| {
            let decoded = decode_with(decoder, name, bytes, limits);
            decoded.or_else(|_| Ok(image::RgbImage::new(24, 20).into()))
        };
        let fault = Decoder::Jpeg.check_with(lenient).unwrap_err();
        assert_eq!((fault.picture, fault.expected), ("baseline, cut", REFUSED));
    }
}
