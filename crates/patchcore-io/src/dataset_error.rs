//! What can be wrong with a folder of photos. Every variant names the folder and the remedy.

use std::io;
use std::path::PathBuf;

/// A folder that is not the data set it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing is there.
    #[error("folder {path} does not exist; check the path", path = path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A file where a folder should be.
    #[error("{path} is a file, expected a folder of images; name the folder that holds it", path = path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder cannot be listed.
    #[error("cannot read folder {path}: {source}; check its permissions", path = path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder holds no image.
    #[error(
        "no images in {path}: looked for {looked_for} in the folder itself (not in folders below it) and found {found} \
         other entries; put photos there or name another folder", path = path.display()
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// Extensions and folders that were looked for.
        looked_for: String,
        /// Entries that are no images.
        found: usize,
    },
    /// The folder is no MVTec category.
    #[error(
        "{path} has neither train/good nor test, expected an MVTec category (train/good/*.png, test/<kind>/*.png, \
         ground_truth/<kind>/*_mask.png); name the category's folder, for example data/bottle", path = path.display()
    )]
    NotMvtec {
        /// The folder.
        path: PathBuf,
    },
}
