//! Checks each decoder on test pictures before it decodes its first photo.
//!
//! Scores begin with the decoder's pixels, and an application may bring a later patch release of one than this library
//! was tested with. So each decodes, once a process and in well under a millisecond, the small files of
//! [`known_pictures`]; where a result differs from the expected one, photos of that format are refused with a [`DecoderFault`].

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::known_pictures::REFUSED;
use crate::photo::Samples;
use crate::unchecked_decode::decode_with;
use crate::{DECODERS, Decoder, DecoderFault, ImageError, Limits, Photo};

impl Decoder {
    /// Whether it decodes the test pictures as expected; checked once a process.
    ///
    /// # Errors
    /// The first picture that comes out different.
    pub fn check(self) -> Result<(), DecoderFault> {
        static VERDICTS: [OnceLock<Result<(), DecoderFault>>; DECODERS.len()] =
            [const { OnceLock::new() }; DECODERS.len()];
        let check = || self.check_with(decode_with);
        let at = DECODERS.iter().position(|decoder| *decoder == self);
        at.and_then(|at| VERDICTS.get(at)).map_or_else(check, |verdict| verdict.get_or_init(check).clone())
    }

    fn check_with(
        self,
        decode: impl Fn(Self, &str, &[u8], &Limits) -> Result<Photo, ImageError>,
    ) -> Result<(), DecoderFault> {
        for picture in self.known_pictures() {
            let found = match decode(self, picture.name, picture.bytes, &Limits::default()) {
                Ok(photo) => describe(&photo),
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
fn describe(photo: &Photo) -> String {
    let (samples, bits) = match photo.samples() {
        Samples::Eight(samples) => (samples.to_vec(), 8),
        Samples::Sixteen(samples) => (samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(), 16),
        Samples::Float(samples) => (samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(), 32),
    };
    let digest = Sha256::digest(samples);
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let layout = if photo.channels() == 1 { "L" } else { "Rgb" };
    format!("{}x{} {layout}{bits} {digits}", photo.width(), photo.height())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelBuffer, PixelFormat, known_pictures};

    #[test]
    fn every_decoder_passes_its_check() {
        for decoder in DECODERS {
            assert_eq!(decoder.check(), Ok(()), "{decoder:?}");
        }
    }

    /// The expected value of the lossless formats does not come from a decoder.
    #[test]
    fn the_lossless_picture_is_the_one_that_its_documentation_describes() {
        let places = (0..5_u32).flat_map(|y| (0..7_u32).map(move |x| (x, y)));
        let samples = places.flat_map(|(x, y)| [40 * x, 60 * y, (37 * x * y + 11) % 256]);
        let data: Vec<u8> = samples.map(|sample| sample as u8).collect();
        let buffer = PixelBuffer { data: &data, width: 7, height: 5, stride: 21, format: PixelFormat::Rgb8 };
        let drawn = describe(&Photo::from_buffer(&buffer).unwrap());
        let lossless =
            [known_pictures::PNG[0], known_pictures::BMP[0], known_pictures::TIFF[0], known_pictures::WEBP[0]];
        assert!(lossless.iter().all(|known| known.expected == drawn), "{drawn}");
    }

    #[cfg(any(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp"))]
    #[test]
    fn one_altered_sample_is_found_and_named() {
        for decoder in DECODERS.iter().copied() {
            let altered = |decoder, name: &str, bytes: &[u8], limits: &Limits| {
                let photo = decode_with(decoder, name, bytes, limits)?;
                let Samples::Eight(samples) = photo.samples() else { panic!("{photo:?}") };
                let mut data = samples.to_vec();
                *data.last_mut().unwrap() ^= 1;
                let format = if photo.channels() == 1 { PixelFormat::Gray8 } else { PixelFormat::Rgb8 };
                let stride = photo.width() as usize * photo.channels();
                let (width, height) = (photo.width(), photo.height());
                Photo::from_buffer(&PixelBuffer { data: &data, width, height, stride, format })
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
    #[cfg(feature = "jpeg")]
    fn a_cut_file_that_decodes_is_found() {
        let lenient = |decoder, name: &str, bytes: &[u8], limits: &Limits| {
            let decoded = decode_with(decoder, name, bytes, limits);
            decoded.or_else(|_| Ok(image::DynamicImage::new_rgb8(24, 20).into()))
        };
        let fault = Decoder::Jpeg.check_with(lenient).unwrap_err();
        assert_eq!((fault.picture, fault.expected), ("baseline, cut", REFUSED));
    }
}
