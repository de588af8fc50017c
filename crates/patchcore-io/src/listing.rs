//! Image files and folders directly inside one folder, sorted. Nothing here descends, so links that form a loop cannot
//! hang it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{DatasetError, path_text};

/// Extensions that count as images, compared without case.
pub(crate) const EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "tif", "tiff", "webp"];

/// Extensions of pictures that are not read. Beside the folders of a data set they are told from readme and licence.
const OTHER_PICTURES: [&str; 30] = [
    "heic", "heif", "avif", "gif", "jp2", "j2k", "jpx", "jxl", "jxr", "pgm", "ppm", "pbm", "pnm", "dng", "raw", "cr2",
    "cr3", "nef", "arw", "orf", "rw2", "raf", "exr", "hdr", "tga", "pcx", "ico", "psd", "svg", "dds",
];

/// What file managers leave behind, in lower case.
const LITTER: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// What one folder holds, hidden entries left out, each list sorted by name.
#[derive(Default)]
pub(crate) struct Listing {
    pub images: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
    /// Files that are no images.
    pub others: Vec<PathBuf>,
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
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if name.starts_with('.') || LITTER.contains(&name.as_str()) {
                continue;
            }
            let path = entry.path();
            // Follows links; a dead or looping link is no folder, and if it is named like an image it is listed, so
            // that opening it reports it.
            if path.is_dir() {
                listing.folders.push(path);
            } else if is_photo_name(&path) {
                listing.images.push(path);
            } else {
                listing.others.push(path);
            }
        }
        listing.images.sort();
        listing.folders.sort();
        listing.others.sort();
        Ok(listing)
    }
}

/// The last part of a path, as text that no other name has. What a listing holds has one.
pub(crate) fn file_name(path: &Path) -> String {
    path_text(Path::new(path.file_name().unwrap_or_default()))
}

/// A path from a folder above it, with forward slashes on every system.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let parts: Vec<String> = path
        .strip_prefix(root)
        .unwrap_or(path)
        .components()
        .map(|part| path_text(Path::new(part.as_os_str())))
        .collect();
    parts.join("/")
}

/// How pictures end that this project has made of photos: `000.png.overlay.png`. They are nobody's photos.
const RESULTS: [&str; 4] = ["overlay.png", "explained.png", "pair.png", "map.tiff"];

/// A file's extension in lower case, both of one's own results; empty without one.
pub(crate) fn extension(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let own =
        RESULTS.iter().find(|own| name.strip_suffix(**own).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.')));
    own.map_or_else(|| path.extension().unwrap_or_default().to_string_lossy().to_lowercase(), |own| (*own).to_owned())
}

/// Whether an extension, as [`extension`] gives it, is one of own results.
pub(crate) fn is_result(extension: &str) -> bool {
    RESULTS.contains(&extension)
}

/// Whether a file counts as a photo by its name: png, jpg, jpeg, jpe, jfif, bmp, tif, tiff, webp, any case, and not what this project makes
/// of photos (`000.png.overlay.png`). It is not opened.
pub fn is_photo_name(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

/// Whether a file is by its name a picture, of a format that is read or not.
pub(crate) fn is_picture(path: &Path) -> bool {
    let extension = extension(path);
    is_photo_name(path) || OTHER_PICTURES.contains(&extension.as_str()) || is_result(&extension)
}
