//! Files that are either the old one or the new one, with this crate's error.

use std::io;
use std::path::{Path, PathBuf};

use patchcore_weights::{Staged, write_whole};

use crate::error::Error;

/// Writes beside the target, syncs, renames over it and syncs the folder; see [`write_whole`]. On any failure the old file
/// is as it was and nothing stays beside it. A device or pipe is written straight.
///
/// # Errors
/// [`Error::Io`].
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_whole(path, bytes).map_err(|source| failed(path, source))
}

/// Finds out, before long work, whether its result can be written there: as [`write_beside_and_rename`] would, up to the first
/// byte.
///
/// # Errors
/// [`Error::Io`].
pub fn check_place(path: &Path) -> Result<(), Error> {
    patchcore_weights::check_place(path).map_err(|source| failed(path, source))
}

/// A file that lies whole beside the one that it will replace; dropped, it is gone. Of several that belong together all are
/// staged before the first one takes its place, so that a process that is killed leaves the old ones or the new ones.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    staged: Staged,
}

impl StagedFile {
    /// Writes beside the target and syncs.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let staged = Staged::new(path, bytes).map_err(|source| failed(path, source))?;
        Ok(Self { path: path.to_owned(), staged })
    }

    /// Takes the target's place.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn commit(self) -> Result<(), Error> {
        let Self { path, staged } = self;
        staged.commit().map_err(|source| failed(&path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
        remedy: "check that the folder exists and is writable and that the disk has room; an old file is unchanged",
    }
}
