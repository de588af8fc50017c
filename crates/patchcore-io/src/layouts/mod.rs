//! Reading data sets as their makers ship them: [`DataSet::open`] and a file for each family of layouts.
//!
//! Nothing is opened but folders and small tables; the masks of `KolektorSDD` and of folders where masks lie beside their photos
//! are, since nothing else says which of those photos are good.

mod by_mask;
mod kolektor;
mod manifest;
mod manifest_row;
mod mvtec;
mod named;
#[cfg(feature = "csv")]
mod table;
mod truth;
mod visa;

use std::path::Path;

pub use self::manifest_row::ManifestRow;
use self::named::{folder_named, several_named};
use crate::good_images::no_images;
use crate::listing::{Listing, extension, file_name};
use crate::{DataSet, DatasetError, Layout};

/// Extensions of a manifest.
const TABLES: [&str; 2] = ["csv", "tsv"];

impl DataSet {
    /// Lists a data set in any of the layouts of [`Layout`]: a folder of an MVTec set, BTAD or `KolektorSDD`, `VISA/candle` (the
    /// table `split_csv/1cls.csv` is found beside it), a manifest (`photos.csv`; of several products `photos.csv/bottle`), or the
    /// photos directly in a folder, as [`DataSet::train`].
    ///
    /// Folders of good photos are called `good`, `ok` or `normal`, in any case, blanks around ignored; the folders `train`, `test`,
    /// `validation` and `ground_truth` in any case. A mask has its photo's stem, alone or with `_mask`, `_gt` or `_label` in any
    /// case, and any extension of an image; a folder of that name holds several masks of one photo.
    ///
    /// # Errors
    /// [`DatasetError`]: missing, no folder, unreadable, nothing to read, several data sets, or a table that does not say what it
    /// should.
    pub fn open(path: &Path) -> Result<DataSet, DatasetError> {
        if path.is_file() && TABLES.contains(&extension(path).as_str()) {
            return manifest::open(path, None);
        }
        let table = path.parent().filter(|table| table.is_file() && TABLES.contains(&extension(table).as_str()));
        if let (Some(table), Some(product)) = (table, path.file_name()) {
            return manifest::open(table, Some(product));
        }
        let top = Listing::read(path)?;
        if let Some(set) = visa::open(path, &top)? {
            return Ok(set);
        }
        if let Some(set) = kolektor::two(path, &top)? {
            return Ok(set);
        }
        if let Some(set) = mvtec::open(path, &top)? {
            return Ok(set);
        }
        if !top.images.is_empty() {
            let mut set = DataSet::new(path.to_path_buf(), Layout::Folder);
            set.train = by_mask::good_of(&mut set, path, top.images);
            (set.left_out.files, set.left_out.folders) = (top.others, top.folders);
            return Ok(set);
        }
        if let Some(set) = kolektor::one(path, &top)? {
            return Ok(set);
        }
        Err(several(path, &top).unwrap_or_else(|| no_images(path, &top, true)))
    }
}

/// The error of a folder whose folders are data sets.
fn several(path: &Path, top: &Listing) -> Option<DatasetError> {
    let sets: Vec<&Path> = top.folders.iter().map(AsRef::as_ref).filter(|folder| looks_like_one(folder)).collect();
    Some(several_named(path, sets.first()?, &sets.iter().map(|set| file_name(set)).collect::<Vec<_>>()))
}

/// Whether a folder has the folders of a data set.
fn looks_like_one(folder: &Path) -> bool {
    Listing::read(folder).is_ok_and(|listing| {
        ["train", "test", "test_public"].iter().any(|name| folder_named(&listing.folders, name).is_some())
            || visa::images_of(&listing).is_some()
    })
}
