//! What a file says of its photo before it is decoded, and how much memory decoding and preparing it take.

use std::fs::File;
#[cfg(feature = "jpeg")]
use std::io::{self, Read};
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use patchcore_config::{Pad, Resampling, Size, View};

use crate::check_limits::check_limits;
use crate::format::format_of;
use crate::{Decoder, Geometry, ImageError, Limits, path_text, photo_file};

/// Bytes that tell a format.
const SIGNATURE: usize = 16;
/// Lines of a picture that a decoder works on at a time.
const LINES: u64 = 64;

/// A photo's size and kind, from the first bytes of its file, and what [`Photo::open`](crate::Photo::open) takes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhotoHeader {
    /// Columns and rows, upright.
    pub size: Size,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// 8 or 16; 32 of floats.
    pub bits: u32,
    /// Peak bytes of the decoding, at most: the file, what the decoder holds, and what turning it upright and taking its alpha off need.
    pub decoding_bytes: u64,
    /// Bytes of the decoded photo, at most.
    pub photo_bytes: u64,
}

/// What [`prepare_within`](crate::prepare_within) makes of a photo, and takes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preparation {
    /// Where the network's input lies in the photo.
    pub geometry: Geometry,
    /// Bytes of the prepared photo.
    pub input_bytes: u64,
    /// Peak bytes from the first byte of the file to the prepared photo, which is among them.
    pub peak_bytes: u64,
}

/// What a header says.
#[cfg_attr(
    not(any(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp")),
    allow(dead_code, reason = "without any format there is no header")
)]
struct Header {
    width: u32,
    height: u32,
    /// Channels that the decoder gives, and bytes of a sample of them.
    channels: usize,
    sample_bytes: u32,
    has_alpha: bool,
    /// The picture lies on its side.
    is_turned: bool,
    /// Bytes beside the file and the decoded samples, while it decodes.
    beside: u64,
}

impl PhotoHeader {
    /// Reads the header of a file: some kilobytes, whatever the size of the photo.
    ///
    /// # Errors
    /// As [`Photo::open`](crate::Photo::open), as far as the header tells.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ImageError> {
        let name = path_text(path);
        let (file, length) = photo_file::open(path)?;
        let mut file = BufReader::new(file);
        let start = file.fill_buf().map_err(|source| photo_file::unreadable(path, source))?;
        let start = start.get(..SIGNATURE.min(start.len())).unwrap_or_default().to_vec();
        let Some(decoder) = format_of(&start).and_then(Decoder::of) else {
            return Err(ImageError::NotAnImage { name, found: format!("the bytes {start:02x?}") });
        };
        let header = catch_unwind(AssertUnwindSafe(|| look(decoder, file, limits)));
        let Ok(header) = header else { return Err(ImageError::DecoderPanicked { name, format: decoder.format() }) };
        let header = header.map_err(|reason| {
            let name = name.clone();
            ImageError::Damaged { name, format: decoder.format(), reason }
        })?;
        check_limits(&name, (header.width, header.height), header.decoded_bytes().max(length), limits)?;
        Ok(Self::of(&header, length))
    }

    fn of(header: &Header, file_bytes: u64) -> Self {
        let Header { width, height, has_alpha, is_turned, beside, .. } = *header;
        let pixels = u64::from(width) * u64::from(height);
        let (decoded, channels, bits) = (header.decoded_bytes(), header.channels, 8 * header.sample_bytes);
        let alpha = if has_alpha { pixels * u64::from(bits / 8) } else { 0 };
        let photo_bytes = pixels * channels as u64 * u64::from(bits / 8) + alpha;
        let turning = if is_turned { decoded } else { 0 };
        // Grey and RGB are taken as they are; what has alpha is parted from it.
        let converting = if has_alpha { photo_bytes + 4 * alpha } else { 0 };
        let lines = LINES * u64::from(width.max(height)) * decoded.div_ceil(pixels);
        let size = if is_turned { Size { width: height, height: width } } else { Size { width, height } };
        let decoding_bytes = file_bytes + decoded + beside.max(turning).max(converting) + lines;
        Self { size, channels, bits, decoding_bytes, photo_bytes }
    }

    /// What preparing the photo makes, and takes. `has_region`: pixels outside a region of interest are marked.
    ///
    /// # Errors
    /// As [`Geometry::new`].
    pub fn preparation(&self, name: &str, view: &View, has_region: bool) -> Result<Preparation, ImageError> {
        let geometry = Geometry::new(name, self.size, view)?;
        let area = |size: Size| u64::from(size.width) * u64::from(size.height);
        let channels = self.channels as u64;
        let resampled = match (view.resampling, self.bits) {
            (Resampling::Pil8Bit, _) | (Resampling::Native, 8) => channels,
            _ => 4 * channels,
        };
        let window = geometry.window();
        let result = window.width as u64 * window.height as u64 * resampled;
        // Of a photo that keeps its height the rows are the result.
        let narrowed = match geometry.original.height == geometry.resized.height {
            true => 0,
            false => window.width as u64 * u64::from(self.size.height) * resampled,
        };
        let planes = 4 * channels * area(geometry.input);
        let marks = if has_region || view.pad != Pad::None { area(geometry.input) } else { 0 };
        let region = if has_region { area(self.size) } else { 0 };
        let resizing = narrowed.max(planes) + result;
        let preparing = self.photo_bytes + region + marks + resizing;
        Ok(Preparation { geometry, input_bytes: planes + marks, peak_bytes: preparing.max(self.decoding_bytes) })
    }
}

impl Header {
    /// Bytes of the decoder's samples.
    fn decoded_bytes(&self) -> u64 {
        let channels = self.channels as u64 + u64::from(self.has_alpha);
        u64::from(self.width) * u64::from(self.height) * channels * u64::from(self.sample_bytes)
    }
}

/// Reads the header of a file of a format, or says what is wrong with it.
fn look(decoder: Decoder, file: BufReader<File>, limits: &Limits) -> Result<Header, String> {
    // Without any format there is no decoder.
    let _ = (&file, limits);
    match decoder {
        #[cfg(feature = "png")]
        Decoder::Png => with_image::look(file, image::ImageFormat::Png, limits),
        #[cfg(feature = "jpeg")]
        Decoder::Jpeg => jpeg(file).map_err(|error| error.to_string()),
        #[cfg(feature = "bmp")]
        Decoder::Bmp => with_image::look(file, image::ImageFormat::Bmp, limits),
        #[cfg(feature = "tiff")]
        Decoder::Tiff => tiff(file),
        #[cfg(feature = "webp")]
        Decoder::WebP => with_image::look(file, image::ImageFormat::WebP, limits),
    }
}

/// Whether turning upright swaps the sides.
#[cfg(any(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp"))]
fn swaps_sides(orientation: image::metadata::Orientation) -> bool {
    use image::metadata::Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
}

/// By the decoders of the crate `image`, which read no further than they have to.
#[cfg(any(feature = "bmp", feature = "png", feature = "webp"))]
mod with_image {
    use std::fs::File;
    use std::io::BufReader;

    use image::metadata::Orientation;
    use image::{ImageDecoder, ImageFormat, ImageReader};

    use super::{Header, swaps_sides};
    use crate::Limits;

    pub(super) fn look(file: BufReader<File>, format: ImageFormat, limits: &Limits) -> Result<Header, String> {
        let mut reader = ImageReader::with_format(file, format);
        let mut bounds = image::Limits::no_limits();
        bounds.max_alloc = Some(limits.max_alloc_bytes);
        reader.limits(bounds);
        let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
        let ((width, height), color) = (decoder.dimensions(), decoder.color_type());
        let (all, has_alpha) = (color.channel_count(), color.has_alpha());
        let beside = match format {
            // Without loss four channels before they are three, with loss planes of brightness and colour.
            ImageFormat::WebP => 4 * u64::from(width) * u64::from(height),
            _ => 0,
        };
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(Header {
            width,
            height,
            channels: usize::from(all) - usize::from(has_alpha),
            sample_bytes: u32::from(color.bytes_per_pixel() / all),
            has_alpha,
            is_turned: swaps_sides(orientation),
            beside,
        })
    }
}

/// Of the page that is the photo.
#[cfg(feature = "tiff")]
fn tiff(file: BufReader<File>) -> Result<Header, String> {
    let page = crate::tiff::look(file)?;
    let crate::tiff::Page { width, height, channels, has_alpha, sample_bytes, orientation } = page;
    let header =
        Header { width, height, channels, sample_bytes, has_alpha, is_turned: swaps_sides(orientation), beside: 0 };
    // The strips or tiles of the whole picture, before they are samples.
    Ok(Header { beside: header.decoded_bytes(), ..header })
}

/// Walks over a JPEG's segments, from one to the next by their stated lengths, up to its first scan.
#[cfg(feature = "jpeg")]
fn jpeg(mut file: BufReader<File>) -> io::Result<Header> {
    fn read<const N: usize>(file: &mut BufReader<File>) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        file.read_exact(&mut bytes).map(|()| bytes)
    }
    let [_, _] = read(&mut file)?;
    let (mut is_turned, mut frame) = (false, None);
    loop {
        // Stray bytes between segments are passed over, and so is a fill before a marker.
        while read(&mut file)? != [0xff] {}
        let marker = loop {
            let [marker] = read(&mut file)?;
            if marker != 0xff {
                break marker;
            }
        };
        if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let mut left = i64::from(u16::from_be_bytes(read(&mut file)?)) - 2;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [_, h1, h0, w1, w0, channels] = read(&mut file)?;
                left -= 6;
                let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
                frame = Some((u32::from(width), u32::from(height), channels, marker));
            }
            0xe1 => {
                let mut segment = vec![0; usize::try_from(left).unwrap_or(0)];
                file.read_exact(&mut segment)?;
                left = 0;
                let exif = segment.strip_prefix(b"Exif\0\0");
                let orientation = exif.and_then(image::metadata::Orientation::from_exif_chunk);
                is_turned |= orientation.is_some_and(swaps_sides);
            }
            0xda => {
                let Some((width, height, stored, kind)) = frame else {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a scan without a frame header"));
                };
                let [in_scan] = read(&mut file)?;
                let channels = if stored == 1 { 1 } else { 3 };
                let pixels = u64::from(width) * u64::from(height);
                // Where a scan has not all of the picture, 16-bit coefficients of all of it wait for the last one; else the file is
                // copied with a wall at its end.
                let is_whole = in_scan >= stored && matches!(kind, 0xc0 | 0xc1);
                let beside = match is_whole {
                    true => file.get_ref().metadata()?.len(),
                    false => pixels * 2 * u64::from(stored),
                };
                return Ok(Header { width, height, channels, sample_bytes: 1, has_alpha: false, is_turned, beside });
            }
            _ => {}
        }
        file.seek_relative(left.max(0))?;
    }
}

#[cfg(all(test, feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp"))]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::{DECODERS, Photo};

    /// The header says of each test picture of each decoder what its decoding says.
    #[test]
    fn a_header_says_what_the_decoder_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut looked = 0;
        for decoder in DECODERS {
            for picture in decoder.known_pictures() {
                let path = folder.path().join("photo");
                fs::write(&path, picture.bytes).unwrap();
                // One of them is cut off.
                let Ok(photo) = Photo::open(&path, &Limits::default()) else { continue };
                let header = PhotoHeader::open(&path, &Limits::default()).unwrap();
                let of_photo = (photo.size(), photo.channels(), photo.bits_per_sample());
                assert_eq!(
                    (header.size, header.channels, header.bits),
                    of_photo,
                    "{} {}",
                    decoder.format(),
                    picture.name
                );
                let samples = u64::from(photo.width()) * u64::from(photo.height()) * photo.channels() as u64;
                assert!(header.photo_bytes >= samples * u64::from(header.bits / 8));
                assert!(header.decoding_bytes > header.photo_bytes + picture.bytes.len() as u64);
                looked += 1;
            }
        }
        assert!(looked > 5, "{looked}");
    }

    #[expect(clippy::unwrap_used, reason = "a part of two tests")]
    fn saved(folder: &Path, name: &str, image: &image::DynamicImage) -> PathBuf {
        let path = folder.join(name);
        image.save(&path).unwrap();
        path
    }

    /// Counted by hand.
    #[test]
    fn the_memory_is_that_of_file_samples_and_what_becomes_of_them() {
        use patchcore_config::Resize;
        let folder = tempfile::tempdir().unwrap();
        let rgb = saved(folder.path(), "rgb.png", &image::DynamicImage::new_rgb8(640, 480));
        let rgba = saved(folder.path(), "rgba.png", &image::DynamicImage::new_rgba16(640, 480));
        let (file, pixels) = (fs::metadata(&rgb).unwrap().len(), 640 * 480);
        let header = PhotoHeader::open(&rgb, &Limits::default()).unwrap();
        let lines = 64 * 640 * 3;
        assert_eq!((header.photo_bytes, header.decoding_bytes), (3 * pixels, file + 3 * pixels + lines));
        let view = View::resized(Resize::Short(240), Resampling::Native);
        let made = header.preparation("rgb", &view, false).unwrap();
        assert_eq!(made.geometry.input, Size { width: 320, height: 240 });
        assert_eq!(made.input_bytes, 320 * 240 * 12);
        // The photo, its planes, and the resized picture that they are made of.
        assert_eq!(made.peak_bytes, (3 * pixels + 320 * 240 * (12 + 3)).max(header.decoding_bytes));
        let header = PhotoHeader::open(&rgba, &Limits::default()).unwrap();
        assert_eq!((header.channels, header.bits, header.photo_bytes), (3, 16, 8 * pixels));
        // A region marks pixels of the photo and of the input.
        let made = header.preparation("rgba", &View::resized(Resize::Keep, Resampling::Native), true).unwrap();
        assert_eq!(made.input_bytes, pixels * (12 + 1));
        assert_eq!(made.peak_bytes, pixels * (8 + 1 + 1 + 12 + 12));
    }

    #[test]
    fn what_has_no_header_or_too_large_a_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path(), "photo.png", &image::DynamicImage::new_luma8(64, 48));
        let narrow = Limits { max_width: 63, ..Limits::default() };
        assert!(matches!(PhotoHeader::open(&path, &narrow), Err(ImageError::TooLarge { width: 64, .. })));
        let little = Limits { max_alloc_bytes: 64 * 48 - 1, ..Limits::default() };
        assert!(matches!(PhotoHeader::open(&path, &little), Err(ImageError::TooMuchMemory { .. })));
        for bytes in [&b""[..], b"text", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\x08\x03", b"\x89PNG\r\n\x1a\n"] {
            fs::write(&path, bytes).unwrap();
            assert!(PhotoHeader::open(&path, &Limits::default()).is_err(), "{bytes:?}");
        }
        assert!(PhotoHeader::open(folder.path(), &Limits::default()).is_err());
    }
}
