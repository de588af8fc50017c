//! Folders of a data set by their names: the very name first, then in any case with blanks around.

use std::path::{Path, PathBuf};

use crate::listing::file_name;
use crate::{DatasetError, one_line};

/// The folder of a name.
pub(super) fn folder_named<'a>(folders: &'a [PathBuf], name: &str) -> Option<&'a Path> {
    let is = |folder: &&PathBuf| folder.file_name().is_some_and(|found| found == name);
    let is_almost = |folder: &&PathBuf| file_name(folder).trim().eq_ignore_ascii_case(name);
    folders.iter().find(is).or_else(|| folders.iter().find(is_almost)).map(AsRef::as_ref)
}

/// What the folder of truth masks is called, letters alone in lower case; the first is the layouts' own.
const GROUND_TRUTH: [&str; 5] = ["groundtruth", "gt", "masks", "mask", "groundtruths"];

/// The folder of truth masks: `ground_truth`, else one of the names that are used for it.
pub(super) fn ground_truth_of(folders: &[PathBuf]) -> Option<&Path> {
    let letters = |folder: &PathBuf| {
        file_name(folder).chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect::<String>().to_lowercase()
    };
    folder_named(folders, "ground_truth").or_else(|| {
        GROUND_TRUTH.iter().find_map(|name| folders.iter().find(|folder| letters(folder) == *name)).map(AsRef::as_ref)
    })
}

/// Names of data sets that an error lists.
const NAMED: usize = 20;

/// The error of several data sets where one is expected.
pub(super) fn several_named(path: &Path, first: &Path, all: &[String]) -> DatasetError {
    let more = if all.len() > NAMED { ", .." } else { "" };
    let names = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    DatasetError::SeveralDataSets {
        path: path.to_path_buf(),
        count: all.len(),
        names: one_line(&format!("{names}{more}")),
        first: first.to_path_buf(),
    }
}
