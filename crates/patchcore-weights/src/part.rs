//! A file that is being written, under a name of its own beside the one whose place it will take.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Attempts at a name that is not taken.
const ATTEMPTS: u32 = 10_000;
/// How many names after one's own are looked at for what an ended process has left.
#[cfg(unix)]
const NEIGHBOURS: u32 = 8;

/// The path of a file that is being written; removed unless it is renamed. Its file is locked as long as somebody writes it, so
/// that what an ended process has left behind is known as such and cleared away.
#[derive(Debug)]
pub(crate) struct Part(Option<PathBuf>);

impl Part {
    /// A new file in `folder` that no other thread or program has, opened as any other file, so that the user's umask holds.
    pub(crate) fn create(folder: &Path) -> io::Result<(File, Part)> {
        let mut taken = None;
        for number in 0..ATTEMPTS {
            let path = name(folder, number);
            let open = || File::options().write(true).create_new(true).open(&path);
            let opened = match open() {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && clear(&path) => open(),
                opened => opened,
            };
            match opened {
                Ok(file) if is_own(&file, &path) => {
                    clear_after(folder, number);
                    return Ok((file, Part(Some(path))));
                }
                // Another process took it for what is left of an ended one, in the moment before it was locked.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
    }

    /// Takes the place of `target`. `file` is what [`Part::create`] gave: it stays locked until the place is taken.
    pub(crate) fn rename_to(mut self, file: File, target: &Path) -> io::Result<()> {
        // Elsewhere a file that is open may not be renamed, and nothing is cleared away by its lock.
        let file = cfg!(unix).then_some(file);
        if let Some(path) = &self.0 {
            fs::rename(path, target)?;
        }
        drop(file);
        self.0 = None;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn name(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!(".patchcore-{number}.part"))
}

/// Locks a new file; whether it still lies where it was made. Without locks (some network drives) it is nobody else's either.
#[cfg(unix)]
fn is_own(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => is_at(file, path),
        Err(fs::TryLockError::WouldBlock) => false,
        Err(fs::TryLockError::Error(_)) => true,
    }
}

#[cfg(not(unix))]
fn is_own(_file: &File, _path: &Path) -> bool {
    true
}

/// Removes what an ended process has left; whether it is gone. What somebody writes is locked.
#[cfg(unix)]
fn clear(path: &Path) -> bool {
    // Nothing but a file is opened: a pipe of that name would be waited for.
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let Ok(file) = File::open(path) else { return false };
    file.try_lock().is_ok() && is_at(&file, path) && fs::remove_file(path).is_ok()
}

#[cfg(not(unix))]
fn clear(_path: &Path) -> bool {
    false
}

/// [`clear`] of the names after `number`.
#[cfg(unix)]
fn clear_after(folder: &Path, number: u32) {
    (number + 1..=number + NEIGHBOURS).for_each(|number| _ = clear(&name(folder, number)));
}

#[cfg(not(unix))]
fn clear_after(_folder: &Path, _number: u32) {}

/// Whether `path` is still the name of an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (found.dev(), found.ino())
}
