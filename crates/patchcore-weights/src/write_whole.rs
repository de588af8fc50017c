//! Files that are either the old one or the new one, whatever happens in between: the one way in which this project
//! replaces a file. It stands here because the programs that need it all see this crate, which has no Burn in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::part::Part;
use crate::target::{Target, folder_of, waits};

/// Writes beside the target under a name of its own, flushes to the disk, renames over the target and flushes the
/// folder. On any failure the old file is as it was and nothing stays beside it. Two threads or programs that write the
/// same file write two files: the last rename stays, whole. What a process that was killed in between has left is cleared away
/// by the next one that writes into that folder.
///
/// The file keeps the permissions of the one it replaces and, where the system lets it, the owner; a new one gets those of any
/// file that a program creates. A link stays a link: the file that it leads to is replaced, or made. A device or pipe is written
/// straight and never replaced. Of a file with several names (hard links) this one gets the new content, and the others keep the old.
///
/// # Errors
/// The system's error: no such folder, not writable, no room; and a target that is a folder, a whole disk or write-protected. A system
/// that does not replace a file while another program has it open (Windows before 10, Wine 8) denies access; the old file stays whole.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::new(path, bytes)?.commit()
}

/// Finds out, before long work, whether its result can be written: as [`write_whole`] would, up to the first byte.
///
/// # Errors
/// As [`write_whole`].
pub fn check_place(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        Target::File(target, old) => {
            check_protection(old.as_ref())?;
            Part::create(folder_of(&target)).map(drop)
        }
        // A pipe without a reader would be waited for.
        Target::Straight(path) if waits(&path) => Ok(()),
        Target::Straight(path) => File::options().append(true).open(path).map(drop),
    }
}

/// A file that lies whole beside the one that it will replace. Of several that belong together, all are staged before the first
/// one takes its place.
#[derive(Debug)]
pub struct Staged(To);

#[derive(Debug)]
enum To {
    File(PathBuf, File, Part),
    Straight(PathBuf, Vec<u8>),
}

impl Staged {
    /// Writes beside the target, down to the disk. Dropped, it is gone.
    ///
    /// # Errors
    /// As [`write_whole`].
    pub fn new(path: &Path, bytes: &[u8]) -> io::Result<Staged> {
        let (target, old) = match Target::of(path)? {
            Target::Straight(path) => return Ok(Staged(To::Straight(path, bytes.to_vec()))),
            Target::File(target, old) => (target, old),
        };
        check_protection(old.as_ref())?;
        let (mut file, part) = Part::create(folder_of(&target))?;
        // Before the first byte: what nobody else may read is never readable.
        #[cfg(unix)]
        if let Some(old) = old {
            use std::os::unix::fs::{MetadataExt, fchown};
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                // Who may not give files away keeps at least the group, where it is one of theirs.
                let _ =
                    fchown(&file, Some(old.uid()), Some(old.gid())).or_else(|_| fchown(&file, None, Some(old.gid())));
            }
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(Staged(To::File(target, file, part)))
    }

    /// Takes the target's place.
    ///
    /// # Errors
    /// As [`write_whole`].
    pub fn commit(self) -> io::Result<()> {
        match self.0 {
            To::Straight(path, bytes) => {
                let mut file = File::options().append(true).open(path)?;
                file.write_all(&bytes)?;
                file.flush()
            }
            To::File(target, file, part) => {
                part.rename_to(file, &target)?;
                // The rename itself must survive a power cut; folders cannot be synced on every system.
                if let Ok(folder) = File::open(folder_of(&target)) {
                    let _ = folder.sync_all();
                }
                Ok(())
            }
        }
    }
}

/// Whoever has taken a file's permission to be written wants to keep it; a rename would not ask.
fn check_protection(old: Option<&fs::Metadata>) -> io::Result<()> {
    if old.is_some_and(|old| old.permissions().readonly()) {
        let text = "it is write-protected; make it writable, or name another file";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(())
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

    #[cfg(unix)]
    #[test]
    fn what_an_ended_process_left_behind_is_cleared_away_and_what_a_living_one_writes_is_not() {
        let place = tempfile::tempdir().unwrap();
        for number in [0, 1, 3] {
            fs::write(place.path().join(format!(".patchcore-{number}.part")), "half").unwrap();
        }
        let living = Staged::new(&place.path().join("other"), b"other").unwrap();
        assert_eq!(names(place.path()), [".patchcore-0.part"]);
        write_whole(&place.path().join("file"), b"whole").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("file")).unwrap(), "whole");
        living.commit().unwrap();
        assert_eq!(fs::read_to_string(place.path().join("other")).unwrap(), "other");
        drop(Staged::new(&place.path().join("third"), b"never").unwrap());
        let mut left = names(place.path());
        left.sort();
        assert_eq!(left, ["file", "other"]);
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
        for kept in [0o600, 0o664, 0o200] {
            fs::set_permissions(&old, fs::Permissions::from_mode(kept)).unwrap();
            write_whole(&old, b"y").unwrap();
            assert_eq!(mode(&old), kept);
        }
        fs::set_permissions(&old, fs::Permissions::from_mode(0o444)).unwrap();
        for refused in [write_whole(&old, b"z"), check_place(&old)] {
            assert!(refused.unwrap_err().to_string().contains("write-protected"));
        }
        assert_eq!(fs::read_to_string(&old).unwrap(), "y");
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
        // A link to nothing leads to where the file will be, if there is a folder for it.
        std::os::unix::fs::symlink("deep/new", &lost).unwrap();
        write_whole(&lost, b"new").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("deep/new")).unwrap(), "new");
        let (nowhere, circle) = (place.path().join("nowhere"), place.path().join("circle"));
        std::os::unix::fs::symlink("absent/file", &nowhere).unwrap();
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        for lost in [nowhere, circle] {
            assert!(check_place(&lost).is_err() && write_whole(&lost, b"new").is_err());
            assert!(fs::symlink_metadata(&lost).unwrap().is_symlink());
        }
        write_whole(Path::new("/dev/null"), b"x").unwrap();
        check_place(Path::new("/dev/null")).unwrap();
        assert!(!fs::symlink_metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_takes_the_bytes_and_stays_a_pipe() {
        use std::os::unix::fs::FileTypeExt;
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check_place(&pipe).unwrap();
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(|| fs::read(&pipe).unwrap());
            write_whole(&pipe, b"through").unwrap();
            reader.join().unwrap()
        });
        assert_eq!(read, b"through");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        let full = write_whole(Path::new("/dev/full"), b"x").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(place.path()), ["pipe"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_owner_stays_and_other_names_keep_the_old_content() {
        use std::os::unix::fs::{MetadataExt, chown};
        let place = tempfile::tempdir().unwrap();
        let (file, other) = (place.path().join("file"), place.path().join("other"));
        fs::write(&file, "old").unwrap();
        fs::hard_link(&file, &other).unwrap();
        // Who is not root cannot give a file away, and has nothing to keep.
        let given = chown(&file, Some(12), Some(34)).is_ok();
        let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
        let before = owner(&file);
        assert!(!given || before == (12, 34));
        write_whole(&file, b"new").unwrap();
        assert_eq!(owner(&file), before);
        assert_eq!([&file, &other].map(|path| fs::read_to_string(path).unwrap()), ["new", "old"]);
    }
}
