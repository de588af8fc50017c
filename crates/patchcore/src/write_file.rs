//! Files that are either the old one or the new one, whatever happens in between.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes beside the target, syncs, renames over it and syncs the folder. On any failure the part file is removed and
/// the old file is as it was.
///
/// # Errors
/// [`Error::Io`].
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_path(path);
    let result = write_and_rename(path, &part, bytes);
    if result.is_err() {
        // The part file may not exist; the first error is the one to report.
        let _ = fs::remove_file(&part);
    }
    result.map_err(|source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
        remedy: "check that the folder exists and is writable and that the disk has room; an old file is unchanged",
    })
}

fn write_and_rename(path: &Path, part: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(part, path)?;
    // The rename itself must survive a power cut; folders cannot be synced on every system.
    if let Some(Ok(folder)) =
        path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }).map(File::open)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// `<name>.<process>.part` in the same folder, so that the rename stays on one file system.
fn part_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}
