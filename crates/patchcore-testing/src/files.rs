//! What lies in a folder.

use std::io;
use std::path::{Path, PathBuf};

/// The entries of a folder, sorted by name.
///
/// # Errors
/// A folder that cannot be read; the error names it.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    files.sort_unstable();
    Ok(files)
}
