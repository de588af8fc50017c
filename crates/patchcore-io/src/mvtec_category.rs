//! The folder layout of MVTec AD: `train/good`, `test/<kind>`, `ground_truth/<kind>/<name>_mask.png`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::good_images::no_images;
use crate::listing::{Listing, file_name};
use crate::{DatasetError, TestImage, path_text};

/// One category: good photos to fit on, labelled photos to judge with. Nothing is opened or checked but the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MvtecCategory {
    /// The category's folder.
    pub root: PathBuf,
    /// `train/good`, sorted; empty when there is no such folder.
    pub train: Vec<PathBuf>,
    /// `test/<kind>`, sorted by kind, then name; empty when there is no `test`.
    pub test: Vec<TestImage>,
}

impl MvtecCategory {
    /// Lists a category that has `train/good`, `test`, or both.
    ///
    /// # Errors
    /// [`DatasetError`]: missing, not a folder, unreadable, neither `train/good` nor `test`, or a `train/good` or `test`
    /// that is there but holds no image.
    pub fn open(root: &Path) -> Result<MvtecCategory, DatasetError> {
        Listing::read(root)?; // missing, a file, unreadable
        let (train, test) = (root.join("train").join("good"), root.join("test"));
        let (has_train, has_test) = (train.is_dir(), test.is_dir());
        if !has_train && !has_test {
            return Err(DatasetError::NotMvtec { path: root.to_path_buf() });
        }
        let mut category = MvtecCategory { root: root.to_path_buf(), train: Vec::new(), test: Vec::new() };
        if has_train {
            let listing = Listing::read(&train)?;
            if listing.images.is_empty() {
                return Err(no_images(train, &listing, true));
            }
            category.train = listing.images;
        }
        if has_test {
            let kinds = Listing::read(&test)?;
            for folder in &kinds.folders {
                category.test.extend(test_images(root, folder)?);
            }
            if category.test.is_empty() {
                return Err(no_images(test.join("<kind>"), &kinds, true));
            }
        }
        Ok(category)
    }
}

fn test_images(root: &Path, folder: &Path) -> Result<Vec<TestImage>, DatasetError> {
    let kind = file_name(folder);
    let is_anomalous = kind != "good";
    let mut masks = HashMap::new();
    if is_anomalous {
        match Listing::read(&root.join("ground_truth").join(folder.file_name().unwrap_or_default())) {
            Ok(listing) => masks.extend(listing.images.into_iter().filter_map(|mask| {
                let stem = stem(&mask).strip_suffix("_mask")?.to_owned();
                Some((stem, mask))
            })),
            Err(DatasetError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let image = |path: PathBuf| TestImage {
        relative: format!("test/{kind}/{}", file_name(&path)),
        kind: kind.clone(),
        is_anomalous,
        mask: masks.get(&stem(&path)).cloned(),
        path,
    };
    Ok(Listing::read(folder)?.images.into_iter().map(image).collect())
}

/// A file's name without its extension, as text that no other name has.
fn stem(path: &Path) -> String {
    path_text(Path::new(path.file_stem().unwrap_or_default()))
}
