//! What can go wrong between a map and the bytes of a file.

use thiserror::Error;

/// Why a picture or page was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A map, mask or photo does not have the size that the others imply.
    #[error("{what} has {found} pixels, expected {width} x {height} = {expected}; pass row-major data of that size")]
    SizeMismatch {
        /// Which argument.
        what: &'static str,
        /// Columns it should have.
        width: u32,
        /// Rows it should have.
        height: u32,
        /// `width * height`.
        expected: u64,
        /// Pixels that were passed.
        found: u64,
    },

    /// A picture without pixels was asked for.
    #[error("{what} is {width} x {height}, expected at least one pixel; pass a decoded photo or a computed map")]
    NoPixels {
        /// Which argument.
        what: &'static str,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },

    /// The colour scale has no extent.
    #[error(
        "colour scale goes from {low} over {threshold} to {high}, expected finite numbers, each larger than the one before"
    )]
    InvalidScale {
        /// Lower end.
        low: f32,
        /// The pixel threshold, in its middle.
        threshold: f32,
        /// Upper end.
        high: f32,
    },

    /// A score is NaN or infinite.
    #[error("score {index} of the map is {value}, expected a finite number; score the image again")]
    NonFiniteScore {
        /// Index in the row-major map.
        index: usize,
        /// The value itself.
        value: f32,
    },

    /// The images' scores cannot be judged.
    #[error(transparent)]
    Metric(#[from] patchcore_metrics::MetricError),

    /// What was given as a font is none.
    #[error(
        "it is no font that labels can be drawn with ({found}), expected a TrueType or OpenType font (.ttf, .otf, .ttc)"
    )]
    NotAFont {
        /// What is wrong with it.
        found: &'static str,
    },

    /// The picture could not be encoded.
    #[error("cannot encode a picture of {width} x {height} as PNG, expected one with pixels that fits in memory")]
    Encode {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The encoder's reason.
        #[source]
        source: image::ImageError,
    },

    /// A map could not be encoded.
    #[error("cannot encode a map of {width} x {height} as TIFF, expected one below 4 GiB; write it as NPY")]
    EncodeMap {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The encoder's reason.
        #[source]
        source: tiff::TiffError,
    },

    /// A picture of a page could not be encoded.
    #[error("cannot encode the picture {what} as JPEG, expected one that fits in memory")]
    EncodePicture {
        /// Which picture.
        what: String,
        /// The encoder's reason.
        #[source]
        source: image::ImageError,
    },

    /// A page's template failed.
    #[error("cannot lay out the page; write it without the part that fails, and report this")]
    Template(#[from] askama::Error),
}
