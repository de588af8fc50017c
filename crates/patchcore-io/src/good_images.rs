//! The photos that a model is fitted on, and the photos of any folder.

use std::path::{Path, PathBuf};

use crate::good_names::is_good;
use crate::listing::{EXTENSIONS, Listing, file_name};
use crate::{DataSet, DatasetError, Layout, one_line};

/// The good photos in `dir`, sorted by name: those to fit on of a data set ([`DataSet::open`]), else those directly in `dir`.
/// Folders below it are not searched; hidden files are ignored. A file counts by its extension (png, jpg, jpeg, jpe, jfif, bmp,
/// tif, tiff, webp, any case) and is not opened here, unless it is a mask that lies beside its photo. What this project makes of
/// photos (`000.png.overlay.png`, `000.png.map.tiff`, `000.png.pair.png`) is left out: [`DataSet::left_out`] has it.
///
/// # Errors
/// [`DatasetError`]: missing, not a folder, unreadable, or no images.
pub fn good_images(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let set = DataSet::open(dir)?;
    set.training()?;
    Ok(set.train)
}

/// The photos directly in `dir`, sorted by name, whatever lies beside them; what is left out is in [`DataSet::folder`].
///
/// # Errors
/// As [`good_images`].
pub fn photos_in(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    Ok(DataSet::folder(dir)?.train)
}

impl DataSet {
    /// The photos directly in `dir` as [`DataSet::train`], whatever lies beside them: masks too are photos here.
    ///
    /// # Errors
    /// [`DatasetError`]: missing, not a folder, unreadable, or no images.
    pub fn folder(dir: &Path) -> Result<DataSet, DatasetError> {
        let listing = Listing::read(dir)?;
        if listing.images.is_empty() {
            return Err(no_images(dir, &listing, false));
        }
        let mut set = DataSet::new(dir.to_path_buf(), Layout::Folder);
        (set.train, set.left_out.files, set.left_out.folders) = (listing.images, listing.others, listing.folders);
        Ok(set)
    }
}

/// Folders that an error names.
const NAMED: usize = 8;

/// The error of a folder in which there is no photo; with the layouts that were looked for, where they were.
pub(crate) fn no_images(path: &Path, listing: &Listing, with_layouts: bool) -> DatasetError {
    let extensions = EXTENSIONS.map(|extension| format!("*.{extension}")).join(", ");
    let looked_for = if with_layouts { format!("train/good, test/<kind> and {extensions}") } else { extensions };
    let folders: Vec<String> = listing.folders.iter().take(NAMED).map(|folder| file_name(folder)).collect();
    let more = if listing.folders.len() > NAMED { ", .." } else { "" };
    // Photos of good parts in a folder of their own, beside others: which are for training is not said.
    let good = listing.folders.iter().find(|folder| is_good(folder.file_name().unwrap_or_default()));
    let hint = good.map_or_else(String::new, |good| format!("; good photos may be in {}", good.display()));
    let named = match folders.as_slice() {
        [] => String::new(),
        names => one_line(&format!(" (folders: {}{more}{hint})", names.join(", "))),
    };
    DatasetError::NoImages {
        path: path.to_path_buf(),
        looked_for,
        found: listing.folders.len() + listing.others.len(),
        named,
    }
}
