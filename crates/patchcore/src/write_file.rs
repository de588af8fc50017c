//! Files that are either the old one or the new one, with this crate's error.

use std::path::Path;

use patchcore_weights::write_whole;

use crate::error::Error;

/// Writes beside the target, syncs, renames over it and syncs the folder; see [`write_whole`]. On any failure the old file
/// is as it was and nothing stays beside it.
///
/// # Errors
/// [`Error::Io`].
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_whole(path, bytes).map_err(|source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
        remedy: "check that the folder exists and is writable and that the disk has room; an old file is unchanged",
    })
}
