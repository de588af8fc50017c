//! Where a path leads: to a file that is replaced, to a place for one, or to a device or pipe that is written straight.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Links of links that are followed, as a system does.
const LINKS: usize = 40;

/// What is written when a path is.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file, there or not: its path without links, and what is there.
    File(PathBuf, Option<Metadata>),
    /// A device or pipe, or a file that some process holds open (`/dev/stdout`): never replaced.
    Straight(PathBuf),
}

impl Target {
    /// Where `path` leads.
    pub(crate) fn of(path: &Path) -> io::Result<Target> {
        let text = path.as_os_str().as_encoded_bytes();
        if path.file_name().is_none() || text.last().is_some_and(|last| std::path::is_separator(char::from(*last))) {
            let kind = if text.is_empty() { io::ErrorKind::NotFound } else { io::ErrorKind::IsADirectory };
            return Err(io::Error::new(kind, "it names a folder, expected a file"));
        }
        let is_there = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(found) = &is_there
            && !found.is_file()
        {
            return match kind(found) {
                Kind::Folder => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, expected a file")),
                Kind::Disk => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a whole disk, expected a file")),
                Kind::Stream => Ok(Target::Straight(path.to_owned())),
            };
        }
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            // A file that a process holds open has no other name that is sure to be its own.
            if at.starts_with("/proc") {
                return Ok(Target::Straight(path.to_owned()));
            }
            match fs::read_link(&at) {
                Ok(to) => at = at.parent().unwrap_or(Path::new("")).join(to),
                Err(_) => return Ok(Target::File(at, is_there)),
            }
        }
        Err(io::Error::other("it is a link that leads to itself"))
    }
}

/// The folder of a file.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What is there and no file.
enum Kind {
    Folder,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has devices that are disks"))]
    Disk,
    Stream,
}

#[cfg(unix)]
fn kind(found: &Metadata) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    match found.file_type() {
        found if found.is_dir() => Kind::Folder,
        found if found.is_block_device() => Kind::Disk,
        _ => Kind::Stream,
    }
}

#[cfg(not(unix))]
fn kind(found: &Metadata) -> Kind {
    if found.is_dir() { Kind::Folder } else { Kind::Stream }
}

/// Whether opening it for writing waits for a reader.
#[cfg(unix)]
pub(crate) fn waits(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

#[cfg(not(unix))]
pub(crate) fn waits(_path: &Path) -> bool {
    false
}
