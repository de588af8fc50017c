//! Where the files of a model lay, and where they are found again: a training photo, the weights.
//!
//! A model remembers the absolute path of a file and, once it is saved, the path from its own folder. So photos are found that stayed
//! where they were, and photos that moved together with the model.

use std::path::Path;
#[cfg(not(target_family = "wasm"))]
use std::path::{Component, PathBuf};

use patchcore_core::model_file::StoredPath;
use patchcore_io::path_text;

/// The place of a file as a model keeps it.
pub(crate) fn stored(path: &Path) -> StoredPath {
    // Where the current folder is not known, the path as it was given is all that can be kept.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    StoredPath { absolute: bytes_of(&absolute), relative: Vec::new() }
}

/// The same for a model that is saved in `folder`. A file that is not there keeps what was known of it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn seen_from(place: &StoredPath, folder: &Path) -> StoredPath {
    let relative = || {
        let (file, folder) = (path_of(&place.absolute).canonicalize().ok()?, folder.canonicalize().ok()?);
        relative_path(&file, &folder)
    };
    match relative() {
        Some(relative) => StoredPath { relative: bytes_of(&relative), ..place.clone() },
        None => place.clone(),
    }
}

/// Where a file may be, the likeliest place first: where it lay, and beside a model that lies in `folder` now.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn candidates(place: &StoredPath, folder: Option<&Path>) -> Vec<PathBuf> {
    let told = |bytes: &[u8]| (!bytes.is_empty()).then(|| path_of(bytes));
    let beside = folder.zip(told(&place.relative)).map(|(folder, relative)| folder.join(relative));
    told(&place.absolute).into_iter().chain(beside).collect()
}

/// The way from a folder to a file, both resolved; `None` where there is none (two drives).
#[cfg(not(target_family = "wasm"))]
fn relative_path(file: &Path, folder: &Path) -> Option<PathBuf> {
    let shared = file.components().zip(folder.components()).take_while(|(file, folder)| file == folder).count();
    if shared == 0 {
        return None;
    }
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    Some(up.chain(file.components().skip(shared)).collect())
}

#[cfg(unix)]
fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// Elsewhere paths are text; what is not stands there escaped.
#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Vec<u8> {
    path_text(path).into_bytes()
}

#[cfg(not(any(unix, target_family = "wasm")))]
fn path_of(bytes: &[u8]) -> PathBuf {
    patchcore_io::path_of_text(&String::from_utf8_lossy(bytes))
}

/// The last part of a photo's name, which says nothing of its folder.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn file_name(name: &str) -> String {
    match patchcore_io::path_of_text(name).file_name() {
        Some(file) => path_text(Path::new(file)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_a_folder_to_a_file() {
        let way = |file: &str, folder: &str| relative_path(Path::new(file), Path::new(folder));
        assert_eq!(way("/a/b/c.png", "/a/b"), Some("c.png".into()));
        assert_eq!(way("/a/b/c.png", "/a/d/e"), Some("../../b/c.png".into()));
        assert_eq!(way("/a/c.png", "/"), Some("a/c.png".into()));
        assert_eq!(way("a/c.png", "/b"), None);
    }

    #[test]
    fn a_place_has_an_absolute_path_and_one_from_the_model() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (photos, models) = (root.join("photos"), root.join("models"));
        std::fs::create_dir(&photos).unwrap();
        std::fs::create_dir(&models).unwrap();
        let file = photos.join("1.png");
        std::fs::write(&file, "x").unwrap();
        let place = stored(&file);
        assert_eq!(candidates(&place, Some(&models)), std::slice::from_ref(&file));
        let seen = seen_from(&place, &models);
        let elsewhere = Path::new("/mnt/models");
        assert_eq!(candidates(&seen, Some(elsewhere)), [file.clone(), "/mnt/models/../photos/1.png".into()]);
        assert_eq!(candidates(&seen, None), std::slice::from_ref(&file));
        // Once the file is gone the way to it stays as it was.
        std::fs::remove_file(&file).unwrap();
        assert_eq!(seen_from(&seen, elsewhere), seen);
    }

    #[test]
    fn a_file_name_says_nothing_of_its_folder() {
        assert_eq!(file_name("/home/someone/parts/001.png"), "001.png");
        assert_eq!(file_name("photo 3"), "photo 3");
        assert_eq!(file_name(""), "");
    }
}
