//! What can be wrong with a photo, a mask, a pixel buffer or the view asked of it. Every variant names the culprit,
//! what was expected, what was found, and what to do.

use std::io;

use patchcore_config::Size;

use crate::DecoderFault;
use crate::decoder::expected_formats;

/// A photo, mask or buffer that cannot be read or prepared. Bad bytes give one of these, never a panic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file could not be read at all.
    #[error("cannot read {name}: {source}; check the path and its permissions")]
    Read {
        /// The file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path is a folder, a pipe or a device.
    #[error("{name} is {found}, expected an image file ({formats}); name a file that is one", formats = expected_formats())]
    NotAFile {
        /// The path.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// The file has no bytes.
    #[error("{name} is empty (0 bytes), expected an image; copy the file again")]
    Empty {
        /// The file.
        name: String,
    },
    /// The bytes do not start as any image does.
    #[error(
        "{name} is not an image: it starts with {found}, expected {formats} (the content decides, not the extension); remove \
         the file or convert it to PNG", formats = expected_formats()
    )]
    NotAnImage {
        /// The file.
        name: String,
        /// The first bytes, readable.
        found: String,
    },
    /// An image in a format that no decoder is for.
    #[error("{name} is a {found} image, expected {formats}; convert it to PNG", formats = expected_formats())]
    UnsupportedFormat {
        /// The file.
        name: String,
        /// The format found.
        found: String,
    },
    /// An image in a format whose decoder was left out of this program.
    #[error(
        "{name} is a {format} image, expected {formats}: this program was built without {format}; enable the feature \
         `{feature}` of patchcore", formats = expected_formats()
    )]
    FormatNotCompiledIn {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// The cargo feature that brings the decoder.
        feature: &'static str,
    },
    /// A known format that uses something the decoder does not know.
    #[error(
        "{name} is a {format} file with {feature}, which is not supported; convert it to an 8- or 16-bit PNG, or save it again \
         without that"
    )]
    UnsupportedFeature {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// What is not supported.
        feature: String,
    },
    /// The file ends before the picture does.
    #[error("{name} is a truncated {format} file: {reason}; expected the whole picture, copy the file again")]
    Truncated {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// Where it ended.
        reason: String,
    },
    /// The file contradicts its format: wrong checksum, lying header, impossible codes.
    #[error("{name} is a damaged {format} file: {reason}; expected a valid picture, copy or export the file again")]
    Damaged {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// A decoder gave up in a way it should not have. Nothing is lost but this file.
    #[error("the {format} decoder failed on {name} (a defect of the decoder); convert the file to PNG and report it")]
    DecoderPanicked {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
    },
    /// The decoder does not pass its check on test pictures, so its pixels are not those that scores were tested with.
    #[error("{name} is not decoded: {fault}")]
    DecoderDiffers {
        /// The file.
        name: String,
        /// What differs.
        fault: DecoderFault,
    },
    /// The header claims more columns or rows than the limit.
    #[error(
        "{name} is {width}x{height} pixels, expected at most {max_width}x{max_height}; shrink the photo or raise \
         `Limits::max_width` and `Limits::max_height`"
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Columns found.
        width: u32,
        /// Rows found.
        height: u32,
        /// Columns allowed.
        max_width: u32,
        /// Rows allowed.
        max_height: u32,
    },
    /// Reading or decoding would need more memory than the limit.
    #[error(
        "{name} needs {needed} bytes, expected at most {limit}; shrink the photo or raise `Limits::max_alloc_bytes`"
    )]
    TooMuchMemory {
        /// The file.
        name: String,
        /// Bytes needed, at least.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Floats outside of black and white, of which nobody has said what is white.
    #[error(
        "{name} has float samples from {lowest} to {highest}, expected 0 (black) to 1 (white); say which value is white \
         (`Settings::full_scale`), or save it with 8 or 16 bits"
    )]
    FloatRange {
        /// The photo.
        name: String,
        /// The lowest sample.
        lowest: f32,
        /// The highest sample.
        highest: f32,
    },
    /// Floats that are no numbers.
    #[error(
        "{name} has {not_finite} float samples that are not finite (NaN or infinity), expected 0 (black) to 1 (white); put numbers in \
         their place and save it again"
    )]
    NotFinite {
        /// The photo.
        name: String,
        /// How many.
        not_finite: usize,
    },
    /// A file of several photos.
    #[error(
        "{name} is a {format} file of {pages} pages or frames, expected one photo; save the one that is the photo as a file of its own"
    )]
    ManyPages {
        /// The file.
        name: String,
        /// Its format.
        format: &'static str,
        /// Frames, or pages that are neither a smaller copy of another one nor a mask.
        pages: usize,
    },
    /// No pixels.
    #[error("{name} is {width}x{height} pixels, expected at least 1x1; pass a photo that has pixels")]
    NoPixels {
        /// The photo or buffer.
        name: String,
        /// Columns found.
        width: u32,
        /// Rows found.
        height: u32,
    },
    /// Samples that are not those of so many pixels, or of channels that are neither grey nor RGB.
    #[error(
        "{name} has {found} samples for {width}x{height} pixels of {channels} channels, expected 1 channel (grey) or 3 (RGB), and a \
         sample for each channel of each pixel; pass the size and channels of the array"
    )]
    WrongSamples {
        /// The photo.
        name: String,
        /// Samples found.
        found: usize,
        /// Columns that were said.
        width: u32,
        /// Rows that were said.
        height: u32,
        /// Channels that were said.
        channels: usize,
    },
    /// Something that is no photo: a kind of array, or of picture, that is not understood.
    #[error("{name} is {found}, expected {expected}")]
    NotAPhoto {
        /// What it is called.
        name: String,
        /// What it is.
        found: String,
        /// What is a photo, and how to get there.
        expected: &'static str,
    },
    /// A buffer whose rows overlap.
    #[error(
        "pixel buffer: stride is {stride} bytes, expected at least {needed} (width {width} x {bytes_per_pixel} bytes per \
         pixel); pass the number of bytes from one row's start to the next"
    )]
    StrideTooSmall {
        /// Bytes per row found.
        stride: usize,
        /// Bytes per row needed.
        needed: u64,
        /// Columns.
        width: u32,
        /// Bytes of one pixel.
        bytes_per_pixel: usize,
    },
    /// A buffer that ends before its last row does.
    #[error(
        "pixel buffer: data has {found} bytes, expected at least {needed} for {height} rows of stride {stride}; check \
         width, height, stride and pixel format"
    )]
    BufferTooShort {
        /// Bytes found.
        found: usize,
        /// Bytes needed (saturating).
        needed: u64,
        /// Rows.
        height: u32,
        /// Bytes per row.
        stride: usize,
    },
    /// A view with a zero side.
    #[error("view: {parameter} is {found}, expected every side to be at least 1 pixel; give a positive size")]
    InvalidView {
        /// `resize` or `crop`.
        parameter: &'static str,
        /// The value.
        found: String,
    },
    /// A perturbation whose level is outside of what it is defined for.
    #[error("{kind} is {found}, expected {expected}")]
    PerturbationLevel {
        /// [`PerturbationKind::name`](crate::PerturbationKind::name).
        kind: &'static str,
        /// The level.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// The resized photo or the network's input would be too large to compute with.
    #[error(
        "{name} ({original_width}x{original_height}) would become {width}x{height} pixels, expected at most {max_side} a \
         side and {max_pixels} in all; resize to a fixed width and height, or to a smaller one"
    )]
    PreparedTooLarge {
        /// The photo.
        name: String,
        /// Its columns.
        original_width: u32,
        /// Its rows.
        original_height: u32,
        /// Columns after the resize or crop.
        width: u64,
        /// Rows after the resize or crop.
        height: u64,
        /// Largest side allowed.
        max_side: u32,
        /// Largest number of pixels allowed.
        max_pixels: u64,
    },
    /// A mask that does not lie over its image.
    #[error(
        "mask {name} is {width}x{height} pixels, expected {expected_width}x{expected_height} like its image; export the \
         mask at the image's size"
    )]
    MaskSize {
        /// The mask.
        name: String,
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
        /// The image's columns.
        expected_width: u32,
        /// The image's rows.
        expected_height: u32,
    },
    /// The mask of a defective photo without a defective pixel.
    #[error(
        "mask {name} has no defective pixel: it is black everywhere; draw the defect white, or move the photo to the good ones"
    )]
    BlackMask {
        /// The mask, or the first of several.
        name: String,
    },
    /// A mask that tells no pixel from another.
    #[error(
        "mask {name} counts {} of its pixels: {found}; draw what counts white on black, or opaque on transparent",
        if *all { "all" } else { "none" }
    )]
    MaskOfOneKind {
        /// The mask.
        name: String,
        /// All of its pixels count, or none.
        all: bool,
        /// What its values are.
        found: String,
    },
    /// A photo of another size than the region of interest.
    #[error(
        "{name} is {width}x{height} pixels, but the model's region of interest is {expected_width}x{expected_height}; \
         take the photo as those of the fit were, or fit again with a mask of this size"
    )]
    RegionSize {
        /// The photo.
        name: String,
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
        /// The region's columns.
        expected_width: u32,
        /// The region's rows.
        expected_height: u32,
    },
    /// A photo that is far smaller than what the network is to see of it.
    #[error(
        "{name} is {width}x{height} pixels, which the view would enlarge to {}x{}: nearly everything that the network saw would be \
         made up; give larger photos ({}x{} for that size), or fit with a smaller resize",
        resized.width, resized.height, needed.width, needed.height
    )]
    TooSmall {
        /// The photo.
        name: String,
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
        /// The size that it would be resized to.
        resized: Size,
        /// The smallest size for which it would not be refused.
        needed: Size,
    },
    /// A region of interest in which nothing is to be looked at.
    #[error(transparent)]
    Region(#[from] patchcore_config::RegionError),
}
