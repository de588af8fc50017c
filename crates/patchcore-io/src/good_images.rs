//! The photos that a model is fitted on, and the photos of any folder.

use std::path::{Path, PathBuf};

use crate::DatasetError;
use crate::listing::{EXTENSIONS, Listing};

/// The good photos in `dir`, sorted by name: those of `train/good` when there is one (an MVTec category), else those
/// directly in `dir`. Folders below it are not searched; hidden files are ignored. A file counts by its extension (png,
/// jpg, jpeg, bmp, tif, tiff, webp, any case) and is not opened here.
///
/// # Errors
/// [`DatasetError`]: missing, not a folder, unreadable, or no images.
pub fn good_images(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let train = dir.join("train").join("good");
    let is_category = train.is_dir();
    let folder = if is_category { train } else { dir.to_path_buf() };
    let listing = Listing::read(&folder)?;
    if listing.images.is_empty() {
        return Err(no_images(folder, &listing, is_category));
    }
    Ok(listing.images)
}

/// The photos directly in `dir`, sorted by name; otherwise as [`good_images`].
///
/// # Errors
/// As [`good_images`].
pub fn photos_in(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let listing = Listing::read(dir)?;
    if listing.images.is_empty() {
        return Err(no_images(dir.to_path_buf(), &listing, true));
    }
    Ok(listing.images)
}

pub(crate) fn no_images(path: PathBuf, listing: &Listing, is_category: bool) -> DatasetError {
    let extensions = EXTENSIONS.map(|extension| format!("*.{extension}")).join(", ");
    let looked_for = if is_category { extensions } else { format!("train/good and {extensions}") };
    DatasetError::NoImages { path, looked_for, found: listing.folders.len() + listing.others }
}
