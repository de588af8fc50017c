//! TIFF: looks at the pages and at how their samples are stored, before anything is decoded.
//!
//! - Pages that are flagged as smaller copies or masks are skipped; more than one other page is an error, since which of them is the
//!   photo only the user knows.
//! - Floats are decoded here, with the crate `tiff`, of which `image` knows no grey ones. Whole numbers go through `image`, which uses
//!   the same crate.
//! - What neither knows is refused by its name.
//!
//! BigTIFF is read like TIFF. Where the crate cannot read a directory, `image` says what is wrong with it.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, Cursor, Read, Seek};

use image::ImageFormat;
use image::metadata::Orientation;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits as TiffLimits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use crate::check_limits::check_limits;
use crate::photo::{Samples, alpha_of, to_sixteen_bits, without_alpha};
use crate::{ImageError, Limits, Photo, with_image};

const FORMAT: &str = "TIFF";

/// Directories that are looked at; nobody photographs that many pages.
const MOST_PAGES: usize = 1000;

/// Compressions that no decoder is compiled in for.
const COMPRESSIONS: [(u16, &str); 10] = [
    (2, "Huffman"),
    (3, "fax (group 3)"),
    (6, "old JPEG"),
    (34_676, "SGILog"),
    (34_712, "JPEG 2000"),
    (34_887, "LERC"),
    (34_925, "LZMA"),
    (50_000, "Zstandard"),
    (50_001, "WebP"),
    (50_002, "JPEG XL"),
];

/// The tag that says where more directories lie: those of a raw photo, whose first page is a small picture.
const SUB_DIRECTORIES: Tag = Tag::Unknown(330);

/// What the page that is a photo says of itself.
pub(crate) struct Page {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Channels that are decoded, without alpha.
    pub(crate) channels: usize,
    pub(crate) has_alpha: bool,
    /// Bytes of a decoded sample: 4 of a float.
    pub(crate) sample_bytes: u32,
    pub(crate) orientation: Orientation,
}

/// Looks at the page that is a photo, and decodes nothing.
///
/// # Errors
/// Why there is no such page, or why it is not read.
pub(crate) fn look(file: impl Read + Seek) -> Result<Page, String> {
    let text = |error: TiffError| error.to_string();
    let mut decoder = Decoder::new(file).map_err(text)?;
    let pages = Pages::of(&mut decoder);
    let index = pages.photo().map_err(|found| format!("{found} pages that may be the photo"))?;
    decoder.seek_to_image(index).map_err(text)?;
    let (width, height) = decoder.dimensions().map_err(text)?;
    let layout = Layout::of(&mut decoder).map_err(text)?;
    let stored = usize::from(decoder.colortype().map_err(text)?.num_samples());
    let (sample_bytes, stored) = match layout {
        Layout::Float(channels) => (4, channels),
        Layout::Whole => (u32::from(decoder.colortype().map_err(text)?.bit_depth()).div_ceil(8), stored),
        Layout::Unsupported(feature) => return Err(feature),
    };
    // Four channels are RGB with alpha, or CMYK, which becomes RGB.
    let (channels, has_alpha) = if stored < 3 { (1, stored == 2) } else { (3, stored == 4) };
    Ok(Page { width, height, channels, has_alpha, sample_bytes, orientation: orientation_of(&mut decoder) })
}

/// Decodes the one page that is a photo, and turns it upright.
pub(crate) fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    let bytes = with_photo_first(name, bytes)?;
    decode_first(name, &bytes, limits).map_err(|error| match error {
        // The decoder of tiff 0.11.3 loses the end of some tiles that libtiff reads.
        ImageError::Truncated { reason, .. } if reason.contains("no lzw end code") && has_whole_tiles(&bytes) => {
            let feature = "tiles that are compressed by LZW in a way that its decoder does not follow".to_owned();
            ImageError::UnsupportedFeature { name: name.to_owned(), format: FORMAT, feature }
        }
        error => error,
    })
}

/// Whether all tiles of the first page lie within the file.
fn has_whole_tiles(bytes: &[u8]) -> bool {
    let tiles = || {
        let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?;
        let offsets = decoder.find_tag_unsigned_vec::<u64>(Tag::TileOffsets).ok()??;
        Some(offsets.into_iter().zip(decoder.find_tag_unsigned_vec::<u64>(Tag::TileByteCounts).ok()??))
    };
    tiles().is_some_and(|mut tiles| tiles.all(|(at, length)| at.saturating_add(length) <= bytes.len() as u64))
}

/// Decodes the first page.
fn decode_first(name: &str, bytes: &[u8], limits: &Limits) -> Result<Photo, ImageError> {
    if let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) {
        let unsupported = |feature| ImageError::UnsupportedFeature { name: name.to_owned(), format: FORMAT, feature };
        match Layout::of(&mut decoder) {
            Ok(Layout::Whole) | Err(_) => {}
            Ok(Layout::Float(channels)) => return decode_float(name, decoder, channels, limits),
            Ok(Layout::Unsupported(feature)) => return Err(unsupported(feature)),
        }
    }
    with_image::decode(name, bytes, crate::Decoder::Tiff, ImageFormat::Tiff, limits)
}

/// The file, whose header points to the page that is the photo.
fn with_photo_first<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, ImageError> {
    let Ok(mut decoder) = Decoder::new(Cursor::new(bytes)) else { return Ok(bytes.into()) };
    let pages = Pages::of(&mut decoder);
    match pages.photo() {
        Ok(0) => Ok(bytes.into()),
        Ok(photo) => Ok(pages.directories.get(photo).map_or(bytes.into(), |photo| point_to(bytes, *photo).into())),
        Err(0) => Err(ImageError::UnsupportedFeature {
            name: name.to_owned(),
            format: FORMAT,
            feature: "nothing but pages that are marked as smaller copies or masks (of a raw photo, say)".to_owned(),
        }),
        Err(pages) => Err(ImageError::ManyPages { name: name.to_owned(), format: FORMAT, pages }),
    }
}

/// The pages of a file.
struct Pages {
    /// Where the directory of each lies.
    directories: Vec<u64>,
    /// The first that is no copy and no mask of another one, and how many there are.
    photo: Option<usize>,
    photos: usize,
    /// Pages lie within others, as in a raw photo.
    has_more_inside: bool,
}

impl Pages {
    fn of<R: Read + Seek>(decoder: &mut Decoder<R>) -> Pages {
        let mut pages = Pages { directories: Vec::new(), photo: None, photos: 0, has_more_inside: false };
        loop {
            pages.has_more_inside |= matches!(decoder.find_tag(SUB_DIRECTORIES), Ok(Some(_)));
            if !is_secondary(decoder) {
                pages.photos += 1;
                pages.photo = pages.photo.or(Some(pages.directories.len()));
            }
            pages.directories.push(decoder.ifd_pointer().map_or(0, |pointer| pointer.0));
            // What follows a page and cannot be read is no page.
            if pages.directories.len() == MOST_PAGES || !decoder.more_images() || decoder.next_image().is_err() {
                return pages;
            }
        }
    }

    /// Which page is the photo; else how many may be it.
    fn photo(&self) -> Result<usize, usize> {
        match (self.photos, self.photo) {
            (1, Some(photo)) => Ok(photo),
            (0, _) if self.directories.len() == 1 && !self.has_more_inside => Ok(0),
            (photos, _) => Err(photos),
        }
    }
}

/// Unreadable metadata is no reason to refuse the pixels.
fn orientation_of<R: Read + Seek>(decoder: &mut Decoder<R>) -> Orientation {
    let stored = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
    stored.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// Whether the page at hand is marked as a smaller copy of another page (bit 0 of NewSubfileType, or 2 in the older SubfileType) or
/// as a mask of one (bit 2).
fn is_secondary<R: Read + Seek>(decoder: &mut Decoder<R>) -> bool {
    let newer = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType);
    let older = decoder.find_tag_unsigned::<u16>(Tag::Unknown(255));
    matches!(newer, Ok(Some(flags)) if flags & 0b101 != 0) || matches!(older, Ok(Some(2)))
}

/// The file with another first directory.
fn point_to(bytes: &[u8], directory: u64) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let is_little = bytes.starts_with(b"II");
    let is_big_tiff = matches!(bytes.get(2..4), Some([43, 0] | [0, 43]));
    let offset = match (is_little, is_big_tiff) {
        (true, false) => (directory as u32).to_le_bytes().to_vec(),
        (false, false) => (directory as u32).to_be_bytes().to_vec(),
        (true, true) => directory.to_le_bytes().to_vec(),
        (false, true) => directory.to_be_bytes().to_vec(),
    };
    let at = if is_big_tiff { 8 } else { 4 };
    file.iter_mut().skip(at).zip(offset).for_each(|(byte, new)| *byte = new);
    file
}

/// How the samples of a page are stored.
enum Layout {
    /// As whole numbers of a kind that `image` reads.
    Whole,
    /// As floats of so many channels.
    Float(usize),
    /// As neither can read it, in words that go on after "is a TIFF file with".
    Unsupported(String),
}

impl Layout {
    fn of<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Layout, TiffError> {
        let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression)?;
        if let Some((_, name)) = compression.and_then(|found| COMPRESSIONS.iter().find(|(number, _)| *number == found))
        {
            return Ok(Layout::Unsupported(format!("{name} compression")));
        }
        let photometric = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)?;
        match photometric {
            Some(3) => return Ok(Layout::Unsupported("a palette of colours".to_owned())),
            Some(8..=10) => return Ok(Layout::Unsupported("colours as L*a*b*".to_owned())),
            _ => {}
        }
        let color = decoder.colortype()?;
        let formats = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?.unwrap_or_default();
        let is_planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration)? == Some(2);
        let channels = usize::from(color.num_samples());
        let bits = color.bit_depth();
        let unsupported = |feature: &str| Ok(Layout::Unsupported(feature.to_owned()));
        if is_planar && channels > 1 && decoder.get_chunk_type() == ChunkType::Tile {
            return unsupported("tiles that hold one channel each");
        }
        match color {
            ColorType::YCbCr(_) if compression == Some(7) => {
                return unsupported("JPEG compression of colours as YCbCr");
            }
            ColorType::YCbCr(_) => return unsupported("colours as YCbCr"),
            ColorType::CMYKA(_) => return unsupported("colours as CMYK with alpha"),
            ColorType::CMYK(_) if is_planar => return unsupported("colours as CMYK in separate planes"),
            ColorType::Multiband { num_samples, .. } => {
                return Ok(Layout::Unsupported(format!("{num_samples} channels that are no colours")));
            }
            _ => {}
        }
        if formats.contains(&3) {
            return Ok(match color {
                ColorType::Gray(_) if photometric == Some(0) => {
                    Layout::Unsupported("float samples of which 0 is white".to_owned())
                }
                ColorType::Gray(16 | 32 | 64) => Layout::Float(1),
                ColorType::RGB(_) | ColorType::RGBA(_) if is_planar => {
                    Layout::Unsupported("float samples in separate planes".to_owned())
                }
                ColorType::RGB(16 | 32 | 64) => Layout::Float(3),
                ColorType::RGBA(16 | 32 | 64) => Layout::Float(4),
                _ => Layout::Unsupported(format!("{bits}-bit float samples of {channels} channels")),
            });
        }
        if formats.contains(&2) {
            return Ok(Layout::Unsupported(format!("signed {bits}-bit samples")));
        }
        let is_read = matches!((color, bits), (ColorType::Gray(_), 1) | (_, 8 | 16));
        Ok(if is_read { Layout::Whole } else { Layout::Unsupported(format!("{bits}-bit samples")) })
    }
}

/// Decodes floats of so many channels: grey, RGB, or RGB with alpha.
fn decode_float<R: Read + Seek>(
    name: &str,
    decoder: Decoder<R>,
    channels: usize,
    limits: &Limits,
) -> Result<Photo, ImageError> {
    let error = |source| typed(name, limits, source);
    let mut decoder = decoder;
    let (width, height) = decoder.dimensions().map_err(error)?;
    let needed = (u64::from(width) * u64::from(height)).saturating_mul(4 * channels as u64);
    check_limits(name, (width, height), needed, limits)?;
    let bytes = usize::try_from(limits.max_alloc_bytes).unwrap_or(usize::MAX);
    let mut decoder_limits = TiffLimits::default();
    decoder_limits.decoding_buffer_size = bytes;
    decoder_limits.intermediate_buffer_size = bytes;
    let mut decoder = decoder.with_limits(decoder_limits);
    let orientation = orientation_of(&mut decoder);
    let samples: Vec<f32> = match decoder.read_image().map_err(error)? {
        DecodingResult::F16(samples) => samples.into_iter().map(f32::from).collect(),
        DecodingResult::F32(samples) => samples,
        DecodingResult::F64(samples) => samples.into_iter().map(|sample| sample as f32).collect(),
        _ => return Err(damaged(name, "its samples are no floats, which its header says")),
    };
    if samples.len() as u64 != needed / 4 {
        return Err(damaged(name, "it has another number of samples than its header says"));
    }
    let stored = Stored { samples, width: width as usize, height: height as usize, channels };
    let Stored { samples, width, height, .. } = stored.upright(orientation);
    let (channels, samples, alpha) = match channels {
        4 => {
            let alpha = alpha_of::<4, _>(&samples, 1.0);
            let alpha = alpha.map(|alpha| alpha.into_iter().map(|alpha| to_sixteen_bits(alpha, 1.0)).collect());
            (3, without_alpha::<4, _>(&samples), alpha.map(Samples::Sixteen))
        }
        channels => (channels, samples, None),
    };
    Ok(Photo::of_samples(width as u32, height as u32, channels, Samples::Float(samples)).with_alpha(alpha))
}

/// Pixels as a file has them.
struct Stored {
    samples: Vec<f32>,
    width: usize,
    height: usize,
    channels: usize,
}

impl Stored {
    fn upright(self, orientation: Orientation) -> Stored {
        let exif = orientation.to_exif();
        if exif == 1 {
            return self;
        }
        let (width, height) = if exif >= 5 { (self.height, self.width) } else { (self.width, self.height) };
        let (last_x, last_y) = (self.width - 1, self.height - 1);
        let mut samples = Vec::with_capacity(self.samples.len());
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let (x, y) = match exif {
                2 => (last_x - x, y),
                3 => (last_x - x, last_y - y),
                4 => (x, last_y - y),
                5 => (y, x),
                6 => (y, last_y - x),
                7 => (last_x - y, last_y - x),
                _ => (last_x - y, x),
            };
            let start = (y * self.width + x) * self.channels;
            samples.extend(self.samples.iter().skip(start).take(self.channels));
        }
        Stored { samples, width, height, channels: self.channels }
    }
}

fn damaged(name: &str, reason: &str) -> ImageError {
    ImageError::Damaged { name: name.to_owned(), format: FORMAT, reason: reason.to_owned() }
}

fn typed(name: &str, limits: &Limits, source: TiffError) -> ImageError {
    let name = name.to_owned();
    let reason = source.to_string();
    let cause = source.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match source {
        TiffError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ImageError::Truncated { name, format: FORMAT, reason }
        }
        _ if cause == Some(io::ErrorKind::UnexpectedEof) => ImageError::Truncated { name, format: FORMAT, reason },
        TiffError::LimitsExceeded => {
            let limit = limits.max_alloc_bytes;
            ImageError::TooMuchMemory { name, needed: limit.saturating_add(1), limit }
        }
        TiffError::UnsupportedError(_) => ImageError::UnsupportedFeature { name, format: FORMAT, feature: reason },
        _ => ImageError::Damaged { name, format: FORMAT, reason },
    }
}
