//! Which file a path is, whatever it is called: other spellings, hard links and symbolic links are the same one.

use std::path::Path;

/// A file or folder that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity(u64, u64);

impl Identity {
    /// Of what `path` leads to; `None` where nothing is, or nobody may look.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        // Nothing is opened: not a thousand photos at once, and no pipe.
        std::fs::metadata(path).ok().map(|found| Self(found.dev(), found.ino()))
    }

    /// Of what `path` leads to; `None` where nothing is, or nobody may look.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        same_file::Handle::from_path(path).ok()?.hash(&mut hasher);
        Some(Self(0, hasher.finish()))
    }

    /// The names that a file has: more than one with hard links.
    #[cfg(unix)]
    pub fn names(path: &Path) -> u64 {
        std::os::unix::fs::MetadataExt::nlink(&match std::fs::metadata(path) {
            Ok(found) => found,
            Err(_) => return 1,
        })
    }

    /// The names that a file has, where the system says.
    #[cfg(not(unix))]
    pub fn names(_path: &Path) -> u64 {
        1
    }
}
