//! A picture on disk, complete or not at all.

use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::path::Path;

use image::{ImageFormat, RgbImage};

use crate::ReportError;

/// Writes a PNG beside its place, flushes it to the disk and renames it: a crash or a full disk leaves the old file as it
/// was.
///
/// # Errors
/// [`ReportError::Encode`] for a picture without pixels, [`ReportError::Write`] when the folder is missing, not writable
/// or full.
pub fn write_png(path: impl AsRef<Path>, picture: &RgbImage) -> Result<(), ReportError> {
    let path = path.as_ref();
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|source| ReportError::Encode { path: path.to_path_buf(), source })?;
    replace(path, bytes.get_ref()).map_err(|source| ReportError::Write { path: path.to_path_buf(), source })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // The first error is the one to report; a part file that cannot be removed either changes nothing.
        let _ = fs::remove_file(&part);
    }
    written
}
