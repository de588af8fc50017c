//! What can be wrong with the input of a metric; every function of this crate that judges returns it.

use thiserror::Error;

/// Why a metric has no value for this input.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Nothing to judge.
    #[error("no scores to judge: expected at least one normal and one anomalous entry, found none; pass a test set")]
    Empty,

    /// A slice does not have the length that the others imply.
    #[error("{what} has {found} entries, expected {expected}; pass one entry for each score")]
    LengthMismatch {
        /// Which slice, such as `labels` or `mask of map 3`.
        what: String,
        /// Length that fits the other arguments.
        expected: usize,
        /// Length that was passed.
        found: usize,
    },

    /// A score is NaN or infinite, so it has no rank.
    #[error(
        "{} is {value}, expected a finite number; find the image that produced it and leave it out or score it again",
        score_place(*map, *index)
    )]
    NonFiniteScore {
        /// Index of the map in the list of maps; `None` when the scores are one plain slice.
        map: Option<usize>,
        /// Index of the score in its slice (row-major for a map).
        index: usize,
        /// The value itself.
        value: f32,
    },

    /// Only normal or only anomalous entries: no ranking metric is defined.
    #[error(
        "found {n_normal} normal and {n_anomalous} anomalous entries, expected both kinds; \
         add the missing kind to the test set or leave this metric out"
    )]
    OneClass {
        /// Number of entries labelled normal.
        n_normal: u64,
        /// Number of entries labelled anomalous.
        n_anomalous: u64,
    },

    /// An integration limit for the AUPRO lies outside (0, 1].
    #[error("AUPRO limit is {limit}, expected a false-positive rate above 0 and at most 1, such as 0.3")]
    InvalidLimit {
        /// The limit that was passed.
        limit: f64,
    },

    /// Bounds of the AUPIMO that are no range of rates.
    #[error(
        "AUPIMO bounds are {lower} and {upper}, expected false-positive rates above 0 and at most 1, the lower one first, such as \
         0.00001 and 0.0001"
    )]
    InvalidBounds {
        /// The lower bound that was passed.
        lower: f64,
        /// The upper one.
        upper: f64,
    },

    /// The good images have too few pixels for the false-positive rate at which a metric begins.
    #[error(
        "the smallest false-positive rate that occurs is {smallest:.1e}, expected at most {lower:.0e}: too few good pixels, or too many \
         of them share the highest score; add good images to the test set or leave this metric out"
    )]
    UnresolvedRate {
        /// Rate at the highest score of a good pixel.
        smallest: f64,
        /// The lower bound.
        lower: f64,
    },

    /// A variance needs two entries of each class.
    #[error(
        "found {n_normal} normal and {n_anomalous} anomalous entries, expected at least two of each for a variance; \
         add images to the test set"
    )]
    TooFewForVariance {
        /// Number of entries labelled normal.
        n_normal: u64,
        /// Number of entries labelled anomalous.
        n_anomalous: u64,
    },

    /// A confidence outside (0, 1).
    #[error("the confidence is {confidence}, expected a number above 0 and below 1, such as 0.95")]
    InvalidConfidence {
        /// The confidence that was passed.
        confidence: f64,
    },

    /// A bootstrap without resamples.
    #[error("a bootstrap of 0 resamples has no interval; ask for some, such as 1000")]
    NoResamples,

    /// Two sets of replicates that were not drawn from the same images with the same settings.
    #[error(
        "the two evaluations are not of the same images with the same bootstrap settings: their replicates are not \
         pairs; evaluate both on one test set"
    )]
    NotPaired,

    /// More connected regions or pixels than the 32-bit labels can name.
    #[error("masks hold more than {limit} regions or pixels in one map; evaluate fewer or smaller images at once")]
    TooManyRegions {
        /// Largest number that is supported.
        limit: u32,
    },
}

/// Names the place of a score for the message.
fn score_place(map: Option<usize>, index: usize) -> String {
    match map {
        Some(map) => format!("score {index} of map {map}"),
        None => format!("score {index}"),
    }
}
