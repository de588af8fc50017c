//! One error for an application: every variant carries the typed cause, which is here too, and, where there is one, the file.

use std::path::{Path, PathBuf};

pub use patchcore_config::{ConfigError, RegionError};
pub use patchcore_core::error::{BackboneError, DeviceError, FitError, InputError, ModelFileError, ScoreError};
pub use patchcore_core::memory_bank::BankError;
pub use patchcore_io::{DatasetError, ImageError, MaskFault};
pub use patchcore_metrics::MetricError;
pub use patchcore_metrics::threshold::CalibrationError;
pub use patchcore_weights::WeightsError;
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
    /// A file of weights may be that of several networks, or of none.
    #[error("the weights {} are given without a network's name, and {}: say whose they are", path.display(), lack_weights(networks, lacking))]
    WhoseWeights {
        /// The file.
        path: Box<Path>,
        /// The model's networks, comma separated.
        networks: Box<str>,
        /// Those whose weights are nowhere else, joined by `and`.
        lacking: Box<str>,
    },
    /// Weights of a network that the model does not have.
    #[error("the weights {} are given for {network}, which is none of the model's networks ({networks})", path.display())]
    StrangeWeights {
        /// The file.
        path: Box<Path>,
        /// The network named.
        network: Box<str>,
        /// The model's networks, comma separated.
        networks: Box<str>,
    },
    /// Two files of weights for one network.
    #[error("two files of weights are given for {network}, {} and {}: give one", first.display(), second.display())]
    WeightsTwice {
        /// The network.
        network: Box<str>,
        /// The one file.
        first: Box<Path>,
        /// The other.
        second: Box<Path>,
    },
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The fit cannot be finished.
    #[error(transparent)]
    Fit(FitError),
    /// A fit may take more memory than it is allowed to.
    #[error(
        "the fit may take {} MiB of memory, of which {} MiB are the {patches} patches of {photos} photos: expected at most {} MiB; fewer photos, a smaller size or a region of interest have fewer patches",
        needed.div_ceil(1 << 20), patch_bytes.div_ceil(1 << 20), allowed >> 20
    )]
    TooMuchMemory {
        /// Bytes that the fit may take ([`FitPlan::memory_bytes`](crate::FitPlan::memory_bytes)).
        needed: u64,
        /// Bytes that it may take at most.
        allowed: u64,
        /// Its photos.
        photos: usize,
        /// Their patches.
        patches: usize,
        /// Bytes of their embeddings.
        patch_bytes: u64,
    },
    /// The caller's progress callback broke off.
    #[error("the {what} was cancelled")]
    Cancelled {
        /// What was asked for: `fit`, `evaluation`, `stress test`, `audit`, `calibration`, `extension`, `forgetting`, `merge`,
        /// `measurement`.
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
        "{photo} is a training photo of this model{}{}: its score says nothing about new parts; pass photos that the model has not seen, or cross-fit the training photos",
        called(photo, name), and_more(*count)
    )]
    TrainingPhoto {
        /// The first such photo.
        photo: String,
        /// What the fit called it.
        name: String,
        /// How many of the photos are training photos.
        count: usize,
    },
    /// A cross-fit is asked of a photo that the model was not fitted on.
    #[error(
        "{photo} is no training photo of this model (nor are {} of the other photos): a cross-fit fits the model again without some of its own photos; pass those alone, or calibrate on the others as held out",
        count.saturating_sub(1)
    )]
    NotATrainingPhoto {
        /// The first such photo.
        photo: String,
        /// How many of the photos are none.
        count: usize,
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
    #[error("the model has no image threshold: calibrate it, or give it one")]
    NoThreshold,
    /// A threshold that is not a number.
    #[error("the threshold {value} is not a finite number")]
    WrongThreshold {
        /// What was given.
        value: f32,
    },
    /// A second threshold that is not below the first, or has none to be below.
    #[error(
        "the look-again threshold {look_again} is above the image threshold{}: photos between the two are looked at again, so it \
         must be at most that one",
        image.map_or_else(|| ", of which there is none".to_owned(), |image| format!(" {image}"))
    )]
    WrongLookAgain {
        /// What was given.
        look_again: f32,
        /// The image threshold.
        image: Option<f32>,
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
    #[error(transparent)]
    Mask(#[from] MaskFault),
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
    /// A photo is to be changed of which only the network's input is there.
    #[error("{name} is prepared for the network already, and cannot be changed any more: pass the photo, or its file")]
    PreparedPhoto {
        /// The photo's name.
        name: String,
    },
    /// A photo is named that the model was not fitted on.
    #[error(
        "{photo} is none of the {photos} photos of this model: give the name that it was added by, or the digest of its pixels (its first 8 hex digits or more)"
    )]
    UnknownPhoto {
        /// What was given.
        photo: String,
        /// How many photos the model names.
        photos: usize,
    },
    /// A name, or the first digits of a digest, means several photos.
    #[error("{photo} may be {first} or {second}: give more of the name, or the whole digest")]
    AmbiguousPhoto {
        /// What was given.
        photo: Box<str>,
        /// One photo that it may be, and its digest.
        first: Box<str>,
        /// Another.
        second: Box<str>,
    },
    /// A model is to forget every photo that it knows.
    #[error(
        "all {photos} photos of the model are to be forgotten, which leaves nothing to compare with: leave it one, or fit anew"
    )]
    NothingLeft {
        /// Photos of the model.
        photos: usize,
    },
    /// Models of which none can be made.
    #[error("{found} models to merge: expected at least 2")]
    TooFewModels {
        /// Models given.
        found: usize,
    },
    /// Models that do not compute the same.
    #[error(
        "the models cannot be merged: {name} is {a} in the first, and {b} in number {number}; fit both with the same settings and weights"
    )]
    ModelsDiffer {
        /// What differs, as the model's file calls it.
        name: Box<str>,
        /// The first model's value.
        a: Box<str>,
        /// The other's.
        b: Box<str>,
        /// Which model the other one is, from 1.
        number: usize,
    },
    /// Coverages that are not those of a model's members.
    #[error(
        "{found} coverages, {reason}: expected one for each of the model's {members} members, with a radius of 0 or more"
    )]
    WrongCoverage {
        /// Coverages given.
        found: usize,
        /// Members of the model.
        members: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Every training photo was unreadable.
    #[error("none of the {count} training photos could be used; the first: {}", naming(name, first))]
    NoUsablePhoto {
        /// Photos tried.
        count: usize,
        /// The first photo.
        name: String,
        /// The first photo's error.
        first: Box<Error>,
    },
}

/// An error with its photo in front, unless its own text names it.
fn naming(photo: &str, error: &Error) -> String {
    let text = error.to_string();
    if text.contains(photo) { text } else { format!("{photo}: {text}") }
}

/// What the fit called a photo, where that is something else.
fn called(photo: &str, name: &str) -> String {
    if photo == name { String::new() } else { format!(" (there {name})") }
}

/// Which networks lack weights.
fn lack_weights(networks: &str, lacking: &str) -> String {
    if lacking.is_empty() {
        format!("none of {networks} lacks weights")
    } else {
        format!("{lacking} both lack weights")
    }
}

/// The photos beside the one that is named.
fn and_more(count: usize) -> String {
    if count < 2 { String::new() } else { format!(", and so are {} more of the photos", count - 1) }
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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn an_error_stays_small() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
    }

    fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                rust_files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// Options and commands are the program's, which says them itself where it prints an error. Options of cargo are no
    /// program's.
    #[test]
    fn the_libraries_speak_of_no_option_of_the_program() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut found = Vec::new();
        for library in ["", "-config", "-core", "-cpu", "-io", "-metrics", "-weights"] {
            let mut files = Vec::new();
            rust_files(&crates.join(format!("patchcore{library}")).join("src"), &mut files);
            assert!(!files.is_empty(), "patchcore{library}");
            for file in files {
                let text = std::fs::read_to_string(&file).unwrap();
                let is_theirs = |line: &&str| {
                    !["cargo ", "patchcore weights ", "weights fetch "].iter().any(|tool| line.contains(tool))
                };
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                for line in code.filter(is_theirs) {
                    let option = line.match_indices("--").any(|(at, _)| {
                        line[at + 2..].starts_with(|next: char| next.is_ascii_lowercase())
                            && !line[..at].ends_with(|before: char| before.is_alphanumeric())
                    });
                    let command = ["fit", "score", "calibrate", "evaluate", "inspect", "devices", "doctor", "audit"];
                    let command = command.iter().any(|name| line.contains(&format!("`patchcore {name}")));
                    if option || command {
                        found.push(format!("{}: {line}", file.display()));
                    }
                }
            }
        }
        // What is looked for here.
        found.retain(|line| !line.contains("`patchcore {name}"));
        assert!(found.is_empty(), "{found:#?}");
    }
}
