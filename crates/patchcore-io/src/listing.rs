//! Image files and folders directly inside one folder, sorted. Nothing here descends, so links that form a loop cannot
//! hang it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{DatasetError, path_text};

/// Extensions that count as images, compared without case.
pub(crate) const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp"];

/// What one folder holds, hidden entries left out, each list sorted by name.
#[derive(Default)]
pub(crate) struct Listing {
    pub images: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
    /// How many other entries there are.
    pub others: usize,
}

impl Listing {
    pub(crate) fn read(folder: &Path) -> Result<Listing, DatasetError> {
        let path = || folder.to_path_buf();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => DatasetError::Missing { path: path() },
            io::ErrorKind::NotADirectory => DatasetError::NotAFolder { path: path() },
            _ => DatasetError::Read { path: path(), source },
        };
        if !fs::metadata(folder).map_err(failed)?.is_dir() {
            return Err(DatasetError::NotAFolder { path: path() });
        }
        let mut listing = Listing::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            // Follows links; a dead or looping link is no folder, and if it is named like an image it is listed, so
            // that opening it reports it.
            if path.is_dir() {
                listing.folders.push(path);
            } else if is_image(&path) {
                listing.images.push(path);
            } else {
                listing.others += 1;
            }
        }
        listing.images.sort();
        listing.folders.sort();
        Ok(listing)
    }
}

/// The last part of a path, as text that no other name has. What a listing holds has one.
pub(crate) fn file_name(path: &Path) -> String {
    path_text(Path::new(path.file_name().unwrap_or_default()))
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}
