//! Data set folders.

use std::fs;
use std::path::Path;

use patchcore_io::{DatasetError, MvtecCategory, good_images};
use tempfile::TempDir;

fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn names(root: &Path, paths: &[std::path::PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")).collect()
}

#[test]
fn a_plain_folder_is_sorted_and_not_descended() {
    let dir = folder(&["b.JPG", "a.png", "c.webp", ".hidden.png", "notes.txt", "below/d.png", "e.TiFf"]);
    let images = good_images(dir.path()).unwrap();
    assert_eq!(names(dir.path(), &images), ["a.png", "b.JPG", "c.webp", "e.TiFf"]);
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
    let category = MvtecCategory::open(dir.path()).unwrap();
    assert_eq!(category.train.len(), 2);
    let rows: Vec<_> = category
        .test
        .iter()
        .map(|t| (t.relative.as_str(), t.kind.as_str(), t.is_anomalous, t.mask.is_some()))
        .collect();
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
    assert!(matches!(MvtecCategory::open(&gone), Err(DatasetError::Missing { .. })));
    let file = dir.path().join("notes.txt");
    assert!(matches!(good_images(&file), Err(DatasetError::NotAFolder { .. })));
    assert!(matches!(MvtecCategory::open(&file), Err(DatasetError::NotAFolder { .. })));
    let error = good_images(dir.path()).unwrap_err();
    assert!(matches!(error, DatasetError::NoImages { found: 2, .. }));
    assert!(error.to_string().contains("*.png") && error.to_string().contains("train/good"), "{error}");
    assert!(matches!(MvtecCategory::open(dir.path()), Err(DatasetError::NotMvtec { .. })));
    let empty = folder(&["train/good/readme.txt"]);
    assert!(matches!(MvtecCategory::open(empty.path()), Err(DatasetError::NoImages { .. })));
    let empty = folder(&["test/good/readme.txt"]);
    assert!(matches!(MvtecCategory::open(empty.path()), Err(DatasetError::NoImages { .. })));
}

#[cfg(unix)]
#[test]
fn links_that_form_a_loop_do_not_hang() {
    let dir = folder(&["train/good/0.png", "test/good/0.png"]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("test/again")).unwrap();
    let own = dir.path().join("train/good/own.png");
    std::os::unix::fs::symlink(&own, &own).unwrap();
    let category = MvtecCategory::open(dir.path()).unwrap();
    assert_eq!((category.train.len(), category.test.len()), (2, 1));
}
