//! JPEG, with two things that `image`'s own path does not give: a truncated file is an error rather than a picture
//! that turns grey half way down, and so is a baseline header that claims more rows than there is data for.
//!
//! The decoder (zune-jpeg, the one `image` uses) reads the headers leniently, so that a camera's stray bytes between
//! segments are no reason to refuse a photo, and the picture data strictly. Before that, [`Structure::scan`] walks the
//! segments, looks for the end-of-image marker and reads the frame header, in one pass over the bytes.
//!
//! Two layouts that the decoder turns into garbage without an error are refused there ([`Frame::unsupported`]): a frame that is
//! not progressive in more than one scan, and components of which the first (the luma) is not the finest. Of 1,400 such files that
//! libjpeg reads, zune-jpeg 0.5.15 decodes two thirds of the first kind wrongly or not at all, and nearly all of the second; its
//! pre-release 0.5.16-rc3 still a third; the crate `jpeg-decoder` 0.3.2 those in which one chroma plane has another height. No
//! camera and no usual program writes either, and saving such a file again mends it, so there is no second decoder for
//! them. `cargo xtask soak jpeg` compares with libjpeg over random scans and samplings.
//!
//! Not noticed: a header that claims fewer rows or columns than the data holds (the rest is ignored, as libjpeg does), and
//! a progressive file whose header claims more.
//!
//! Against libjpeg-turbo (PIL), grey photos differ by at most 1 of 255, in under 1 % of the pixels (the inverse DCT
//! rounds differently); the tests of this crate measure it. Colour photos, measured once on a smooth 301x203 picture of
//! quality 90: at most 3 in 1.4 % of the samples with full chroma, at most 4 in 28 % with halved chroma (4:2:0, whose
//! enlargement rounds differently), 0.4 on average.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::check_limits::check_limits;
use crate::{ImageError, Limits, Photo};

const FORMAT: &str = "JPEG";

/// Decodes a JPEG and turns it upright by its EXIF orientation.
pub(crate) fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    let structure = Structure::scan(bytes);
    if let Some(feature) = structure.frame.as_ref().and_then(|frame| frame.unsupported(structure.scans)) {
        return Err(ImageError::UnsupportedFeature { name: name.to_owned(), format: FORMAT, feature });
    }
    let typed = |error: DecodeErrors| {
        let name = name.to_owned();
        // Some of its texts end with a line break.
        let reason = format!("{error:?}").trim().to_owned();
        match error {
            DecodeErrors::Unsupported(feature) => {
                ImageError::UnsupportedFeature { name, format: FORMAT, feature: format!("{feature:?}") }
            }
            _ if structure.end.is_some() => ImageError::Damaged { name, format: FORMAT, reason },
            _ => ImageError::Truncated { name, format: FORMAT, reason },
        }
    };
    let lenient = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), lenient);
    decoder.decode_headers().map_err(typed)?;
    let (Some(size), Some(stored)) = (decoder.dimensions(), decoder.input_colorspace()) else {
        return Err(typed(DecodeErrors::FormatStatic("no frame header")));
    };
    let damaged =
        |reason: &str| ImageError::Damaged { name: name.to_owned(), format: FORMAT, reason: reason.to_owned() };
    let (Ok(width), Ok(height)) = (u32::try_from(size.0), u32::try_from(size.1)) else {
        return Err(damaged("impossible size"));
    };
    let (color, channels) = if stored == ColorSpace::Luma { (ColorSpace::Luma, 1_u64) } else { (ColorSpace::RGB, 3) };
    let decoded = u64::from(width) * u64::from(height) * channels;
    // A progressive file keeps 16-bit coefficients of the whole picture.
    let coefficients = if structure.is_progressive() { decoded.saturating_mul(2) } else { 0 };
    check_limits(name, (width, height), decoded.saturating_add(coefficients), limits)?;
    let Some(end) = structure.end else {
        let reason = format!("no end-of-image marker in its {} bytes", bytes.len());
        return Err(ImageError::Truncated { name: name.to_owned(), format: FORMAT, reason });
    };
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let length = usize::try_from(decoded).map_err(|_| damaged("impossible size"))?;
    let mut pixels = vec![0_u8; length];
    let walled;
    let data = if structure.is_progressive() {
        bytes
    } else {
        walled = with_wall(bytes, end);
        walled.as_slice()
    };
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), lenient);
    decoder.decode_headers().map_err(typed)?;
    decoder.set_options(lenient.set_strict_mode(true).jpeg_set_out_colorspace(color));
    decoder.decode_into(&mut pixels).map_err(typed)?;
    let image = if channels == 1 {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let mut image = image.ok_or_else(|| damaged("impossible size"))?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(Photo::from(image).with_loss())
}

/// The file with a wall of one bits before its end-of-image marker at `end`. No Huffman code consists of ones alone, so
/// a decoder that still wants picture data there fails; at the marker itself it would make rows up.
fn with_wall(bytes: &[u8], end: usize) -> Vec<u8> {
    let mut walled = bytes.split_at(end).0.to_vec();
    walled.extend([0xff, 0x00].repeat(32));
    walled.extend([0xff, 0xd9]);
    walled
}

/// What a walk over the segments tells without decoding.
#[derive(Debug, Default)]
struct Structure {
    /// Where the end-of-image marker is.
    end: Option<usize>,
    /// The first frame header.
    frame: Option<Frame>,
    /// How many scans there are.
    scans: usize,
}

impl Structure {
    /// Walks from segment to segment, skipping each by its stated length, and through entropy-coded data by looking
    /// for the next marker (`FF` followed by neither `00`, a restart marker nor a fill `FF`). Thumbnails lie inside
    /// segments and are skipped with them.
    fn scan(bytes: &[u8]) -> Structure {
        let mut structure = Structure::default();
        let mut at = 2; // after the start-of-image marker
        while let (Some(&first), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) {
            if first != 0xff || matches!(marker, 0x00 | 0xff) {
                at += 1;
                continue;
            }
            at += 2;
            if marker == 0xd9 {
                structure.end = Some(at - 2);
                break;
            }
            if matches!(marker, 0x01 | 0xd0..=0xd8) {
                continue;
            }
            let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) else { break };
            let length = usize::from(u16::from_be_bytes(*length)).max(2);
            let content = bytes.get(at + 2..at + length).unwrap_or_default();
            match marker {
                0xda => structure.scans += 1,
                // C4, C8 and CC are tables; F7 is the frame of JPEG-LS.
                0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7 if structure.frame.is_none() => {
                    structure.frame = Frame::read(marker, content);
                }
                _ => {}
            }
            at += length;
        }
        structure
    }

    fn is_progressive(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| frame.marker == 0xc2)
    }
}

/// A frame header.
#[derive(Debug)]
struct Frame {
    /// The marker's second byte: how the picture is coded.
    marker: u8,
    /// Bits a sample.
    precision: u8,
    rows: u16,
    /// The sampling factors of each component, across and down.
    factors: Vec<(u8, u8)>,
}

impl Frame {
    fn read(marker: u8, content: &[u8]) -> Option<Frame> {
        let ([precision, high, low, _, _, _], components) = content.split_first_chunk::<6>()?;
        let factors =
            components.as_chunks::<3>().0.iter().map(|[_, factors, _]| (factors >> 4, factors & 15)).collect();
        Some(Frame { marker, precision: *precision, rows: u16::from_be_bytes([*high, *low]), factors })
    }

    /// What of it the decoder does not know or gets wrong, as an error goes on after "is a JPEG file with".
    fn unsupported(&self, scans: usize) -> Option<String> {
        let coding = match self.marker {
            0xc3 => "lossless coding",
            0xc5..=0xc7 | 0xcd..=0xcf => "hierarchical coding",
            0xc9 | 0xca => "arithmetic coding",
            0xcb => "lossless arithmetic coding",
            0xf7 => "JPEG-LS coding",
            _ => "",
        };
        if !coding.is_empty() {
            return Some(coding.to_owned());
        }
        if self.precision != 8 {
            return Some(format!("{} bits a sample", self.precision));
        }
        if self.rows == 0 {
            return Some("its height behind the picture (DNL)".to_owned());
        }
        if matches!(self.factors.len(), 2 | 5..) {
            return Some(format!("{} components", self.factors.len()));
        }
        let sampling = || {
            let factors: Vec<String> = self.factors.iter().map(|(across, down)| format!("{across}x{down}")).collect();
            factors.join(", ")
        };
        if self.factors.iter().any(|(across, down)| *across == 3 || *down == 3) {
            return Some(format!("a sampling factor of 3 ({})", sampling()));
        }
        let finest =
            self.factors.iter().fold((0, 0), |finest, factors| (finest.0.max(factors.0), finest.1.max(factors.1)));
        if self.factors.first().is_some_and(|first| *first != finest) {
            return Some(format!("a brightness that is coarser than its colours (sampling factors {})", sampling()));
        }
        (scans > 1 && self.marker != 0xc2).then(|| format!("{scans} scans that are not progressive"))
    }
}
