//! Files that are either the old one or the new one, whatever happens in between: the one way in which this project
//! replaces a file. It stands here because the programs that need it all see this crate, which has no Burn in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes beside the target under a name of its own, flushes to the disk, renames over the target and flushes the
/// folder. On any failure the old file is as it was and nothing stays beside it. Two threads or programs that write the
/// same file write two files: the last rename stays, whole.
///
/// The file keeps the permissions of the one it replaces; a new one gets those of any file that a program creates. A link
/// stays a link: the file that it leads to is replaced.
///
/// # Errors
/// The system's error: no such folder, not writable, no room; and a target that is there but no file (a folder, a device). A system
/// that does not replace a file while another program has it open (Windows before 10, Wine 8) denies access; the old file stays whole.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Where a link leads to; a path that is not there yet, or leads nowhere, is written as it stands.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok();
    if let Some(old) = &old
        && !old.is_file()
    {
        let (kind, found) = match old.is_dir() {
            true => (io::ErrorKind::IsADirectory, "it is a folder"),
            false => (io::ErrorKind::InvalidInput, "it is a pipe, socket or device"),
        };
        return Err(io::Error::new(kind, format!("{found}, expected a file")));
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let (mut file, part) = Part::create(&folder)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(old) = old {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    drop(file);
    part.rename_to(&target)?;
    // The rename itself must survive a power cut; folders cannot be synced on every system.
    if let Ok(folder) = File::open(&folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Attempts at a name that is not taken: each process that was ended while it wrote here left one behind.
const ATTEMPTS: u32 = 10_000;

/// The path of a file that is being written; removed unless it is renamed.
struct Part(Option<PathBuf>);

impl Part {
    /// A new file in `folder` that no other thread or program has, opened as any other file, so that the user's umask holds.
    fn create(folder: &Path) -> io::Result<(File, Part)> {
        let mut taken = None;
        for attempt in 0..ATTEMPTS {
            let path = folder.join(format!(".patchcore-{attempt}.part"));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((file, Part(Some(path)))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
    }

    fn rename_to(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.0 {
            fs::rename(path, target)?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn replaces_and_leaves_nothing_beside() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        for content in ["old", "the new one", ""] {
            write_whole(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(names(place.path()), ["file"]);
        }
    }

    #[test]
    fn two_threads_that_write_one_file_never_leave_half_of_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        // Each thread has contents of its own, of two lengths: half a file and a mixture are both seen.
        let content = |thread: u8, round: usize| vec![b'a' + thread; if round.is_multiple_of(2) { 300_000 } else { 7 }];
        write_whole(&path, &content(0, 0)).unwrap();
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|thread| {
                    let path = &path;
                    scope.spawn(move || (0..100).for_each(|round| write_whole(path, &content(thread, round)).unwrap()))
                })
                .collect();
            while writers.iter().any(|writer| !writer.is_finished()) {
                let read = fs::read(&path).unwrap();
                let first = read[0];
                assert!(read.len() == 7 || read.len() == 300_000, "{} bytes", read.len());
                assert!(read.iter().all(|byte| *byte == first), "two writers in one file");
            }
        });
        assert_eq!(names(place.path()), ["file"]);
    }

    #[test]
    fn what_an_ended_process_left_behind_is_neither_taken_nor_in_the_way() {
        let place = tempfile::tempdir().unwrap();
        let left = place.path().join(".patchcore-0.part");
        fs::write(&left, "half").unwrap();
        write_whole(&place.path().join("file"), b"whole").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("file")).unwrap(), "whole");
        assert_eq!(fs::read_to_string(&left).unwrap(), "half");
        assert_eq!(names(place.path()).len(), 2);
    }

    #[test]
    fn failures_are_the_systems_own_and_leave_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let missing = write_whole(&place.path().join("absent/file"), b"x").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(!missing.to_string().contains("part"), "{missing}");
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        assert_eq!(write_whole(&folder, b"x").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert!(write_whole(Path::new("/"), b"x").is_err());
        assert!(write_whole(Path::new(""), b"x").is_err());
        assert_eq!(names(place.path()), ["folder"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_the_old_file_or_of_any_new_one() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let (ordinary, new, old) = (place.path().join("ordinary"), place.path().join("new"), place.path().join("old"));
        fs::write(&ordinary, "x").unwrap();
        write_whole(&new, b"x").unwrap();
        assert_eq!(mode(&new), mode(&ordinary));
        fs::write(&old, "x").unwrap();
        for kept in [0o600, 0o664, 0o444] {
            fs::set_permissions(&old, fs::Permissions::from_mode(kept)).unwrap();
            write_whole(&old, b"y").unwrap();
            assert_eq!(mode(&old), kept);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let place = tempfile::tempdir().unwrap();
        let (file, link, lost) = (place.path().join("deep/file"), place.path().join("link"), place.path().join("lost"));
        fs::create_dir(place.path().join("deep")).unwrap();
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("deep/file", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("deep/file"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        // A link to nothing is replaced: there is no file whose place it shows.
        std::os::unix::fs::symlink("absent/file", &lost).unwrap();
        write_whole(&lost, b"new").unwrap();
        assert_eq!(fs::read_to_string(&lost).unwrap(), "new");
        let device = write_whole(Path::new("/dev/null"), b"x").unwrap_err();
        assert!(device.to_string().contains("device"), "{device}");
    }
}
