//! What lies in a folder of photographs.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The files of a folder, sorted by name.
///
/// # Errors
/// A folder that cannot be read.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort_unstable();
    Ok(files)
}
