//! One error for an application: every variant carries the typed cause and, where there is one, the file.

use std::path::PathBuf;

use patchcore_config::ConfigError;
use patchcore_core::error::{DeviceError, FitError, ModelFileError, ScoreError};
use patchcore_io::{DatasetError, ImageError};
use patchcore_metrics::MetricError;
use patchcore_metrics::threshold::CalibrationError;
use patchcore_weights::WeightsError;
use thiserror::Error;

/// Anything that can go wrong between a folder of photos and a score.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A photo cannot be read or prepared.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A folder does not hold what it should.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The backbone's weights are missing or wrong.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The fit cannot be finished.
    #[error(transparent)]
    Fit(FitError),
    /// The caller's progress callback broke off.
    #[error("the {what} was cancelled")]
    Cancelled {
        /// What was asked for: `fit`, `evaluation`, `audit`, `calibration`.
        what: &'static str,
    },
    /// A photo cannot be scored.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// A metric is not defined.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The photos do not support the threshold asked for.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// A photo that the model was fitted on cannot calibrate it.
    #[error(
        "{photo} is a training photo of this model: its score says nothing about new parts; pass photos that the model has not seen, or cross-fit (`--cross-fit 5`)"
    )]
    TrainingPhoto {
        /// The photo.
        photo: String,
    },
    /// Folds that leave a fit or a test without photos.
    #[error("{folds} folds of {photos} photos: expected at least 2 folds, and at least one photo in each")]
    WrongFolds {
        /// Folds asked for.
        folds: usize,
        /// Photos given.
        photos: usize,
    },
    /// A verdict is asked of a model without a threshold.
    #[error("the model has no image threshold: run `patchcore calibrate`, or give one with `--threshold`")]
    NoThreshold,
    /// A threshold that is not a number.
    #[error("the threshold {value} is not a finite number")]
    WrongThreshold {
        /// What was given.
        value: f32,
    },
    /// A model file is refused.
    #[error("{}: {source}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ModelFileError,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source} ({remedy})", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A defective image has no ground truth.
    #[error("no mask for {image}: expected {expected}; add it, or the image counts for the image metrics only")]
    MissingMask {
        /// The image, from the category's folder.
        image: String,
        /// Where its mask should lie.
        expected: String,
    },
    /// A training photo cannot be shown again.
    #[error(
        "{name} is not the photo that the model was fitted on: {reason}; put the photo back, or do without its picture"
    )]
    OtherPhoto {
        /// The photo's name.
        name: String,
        /// What tells.
        reason: &'static str,
    },
    /// Every training photo was unreadable.
    #[error("none of the {count} training photos could be used; the first one, {name}: {first}")]
    NoUsablePhoto {
        /// Photos tried.
        count: usize,
        /// The first photo.
        name: String,
        /// The first photo's error.
        first: Box<Error>,
    },
}

impl From<FitError> for Error {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Cancelled => Self::Cancelled { what: "fit" },
            error => Self::Fit(error),
        }
    }
}

impl Error {
    /// What was asked for was cancelled, not the step of it that was then at work.
    pub(crate) fn of_whole(self, what: &'static str) -> Self {
        match self {
            Self::Cancelled { .. } => Self::Cancelled { what },
            error => error,
        }
    }
}
