//! Data set folders.

use std::fs;
use std::path::Path;

use patchcore_io::{DataSet, DatasetError, Layout, good_images, photos_in};
use tempfile::TempDir;

/// Empty files in a folder of their own.
pub fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

/// Paths from a folder, with forward slashes.
pub fn names(root: &Path, paths: &[std::path::PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")).collect()
}

#[test]
fn a_plain_folder_is_sorted_and_not_descended() {
    let dir = folder(&["b.JPG", "a.png", "c.webp", ".hidden.png", "notes.txt", "below/d.png", "e.TiFf"]);
    let images = good_images(dir.path()).unwrap();
    assert_eq!(names(dir.path(), &images), ["a.png", "b.JPG", "c.webp", "e.TiFf"]);
    let set = DataSet::open(dir.path()).unwrap();
    assert_eq!((set.layout, set.left_out.to_string().as_str()), (Layout::Folder, "1 file (.txt), 1 folder"));
    assert_eq!((set.train, photos_in(dir.path()).unwrap()), (images.clone(), images));
    assert!(matches!(DataSet::open(dir.path()).unwrap().labelled(), Err(DatasetError::NoTest { .. })));
}

#[test]
fn an_mvtec_category_is_listed_with_its_masks() {
    let dir = folder(&[
        "train/good/1.png",
        "train/good/0.png",
        "test/good/0.png",
        "test/crack/1.jpg",
        "test/crack/0.jpg",
        "test/blowhole/x.jpg",
        "ground_truth/crack/0_mask.png",
        "license.txt",
    ]);
    assert_eq!(names(dir.path(), &good_images(dir.path()).unwrap()), ["train/good/0.png", "train/good/1.png"]);
    let set = DataSet::open(dir.path()).unwrap();
    assert_eq!(set.train.len(), 2);
    let rows: Vec<_> =
        set.test.iter().map(|t| (t.relative.as_str(), t.kind.as_str(), t.is_anomalous, !t.masks.is_empty())).collect();
    assert_eq!(
        rows,
        [
            ("test/blowhole/x.jpg", "blowhole", true, false),
            ("test/crack/0.jpg", "crack", true, true),
            ("test/crack/1.jpg", "crack", true, false),
            ("test/good/0.png", "good", false, false),
        ]
    );
}

#[test]
fn folders_that_are_none() {
    let dir = folder(&["notes.txt", "below/d.png"]);
    let gone = dir.path().join("gone");
    assert!(matches!(good_images(&gone), Err(DatasetError::Missing { .. })));
    assert!(matches!(DataSet::open(&gone), Err(DatasetError::Missing { .. })));
    let file = dir.path().join("notes.txt");
    assert!(matches!(good_images(&file), Err(DatasetError::NotAFolder { .. })));
    assert!(matches!(DataSet::open(&file), Err(DatasetError::NotAFolder { .. })));
    let error = good_images(dir.path()).unwrap_err();
    assert!(
        matches!(&error, DatasetError::NoImages { found: 2, named, .. } if named == " (folders: below)"),
        "{error}"
    );
    assert!(error.to_string().contains("*.png") && error.to_string().contains("train/good"), "{error}");
    assert!(matches!(photos_in(dir.path()), Err(DatasetError::NoImages { found: 2, .. })));
    let empty = folder(&["train/good/readme.txt"]);
    assert!(matches!(DataSet::open(empty.path()), Err(DatasetError::NoImages { .. })));
    let empty = folder(&["test/good/readme.txt"]);
    assert!(matches!(DataSet::open(empty.path()), Err(DatasetError::NoImages { .. })));
}

#[cfg(unix)]
#[test]
fn links_that_form_a_loop_do_not_hang() {
    let dir = folder(&["train/good/0.png", "test/good/0.png"]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("test/again")).unwrap();
    let own = dir.path().join("train/good/own.png");
    std::os::unix::fs::symlink(&own, &own).unwrap();
    let set = DataSet::open(dir.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (2, 1));
    assert_eq!(names(dir.path(), &set.left_out.folders), ["test/again"]);
}
