//! Why a defective photo has no ground truth.

use std::path::PathBuf;

/// What is wrong with the mask of a defective photo. Without one the photo counts for the image metrics only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MaskFault {
    /// There is none.
    #[error("no mask for {image}: expected {expected}; add it, or the image counts for the image metrics only")]
    Missing {
        /// The image, from the data set's folder.
        image: String,
        /// Where its mask should lie.
        expected: String,
    },
    /// Two or more files may be it.
    #[error(
        "{} masks for {image}: {}; keep one of them, until then the image counts for the image metrics only",
        candidates.len(), list(candidates)
    )]
    Ambiguous {
        /// The image, from the data set's folder.
        image: String,
        /// The files or folders.
        candidates: Vec<PathBuf>,
    },
    /// One file may be the mask of several photos of the same name.
    #[error(
        "the mask {} may be of {image} or of {other}; name each mask after the photo's whole name ({expected}), until then the \
         images count for the image metrics only", mask.display()
    )]
    Shared {
        /// The image, from the data set's folder.
        image: String,
        /// Another image of the same name.
        other: String,
        /// The mask.
        mask: PathBuf,
        /// A name that no other photo's mask has.
        expected: String,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}
