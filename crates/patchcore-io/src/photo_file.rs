//! Opens the file of a photo, which must be a file.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::{ImageError, path_text};

/// The file with its length in bytes.
///
/// # Errors
/// [`ImageError::Read`] and [`ImageError::NotAFile`].
pub(crate) fn open(path: &Path) -> Result<(File, u64), ImageError> {
    let read = |source| unreadable(path, source);
    // Before opening: opening a pipe waits for a writer.
    let metadata = fs::metadata(path).map_err(read)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a pipe, socket or device" };
        return Err(ImageError::NotAFile { name: path_text(path), found });
    }
    Ok((File::open(path).map_err(read)?, metadata.len()))
}

/// A file that the system does not give.
pub(crate) fn unreadable(path: &Path, source: io::Error) -> ImageError {
    ImageError::Read { name: path_text(path), source }
}
