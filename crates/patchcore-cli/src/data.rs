//! Data sets at the command line: opened, and said in a few lines what of them is not read and what was decided.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use patchcore::{DataSet, one_line};

use crate::output::note;

/// What a command wants of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Photos of good parts.
    Good,
    /// Labelled photos with their masks.
    Test,
}

/// Masks of no photo that a line names.
const NAMED: usize = 3;

/// Opens a data set and says what is left out of it.
pub fn open(path: &Path, wanted: Use) -> anyhow::Result<DataSet> {
    let set = read(path)?;
    say(&set, wanted);
    Ok(set)
}

/// Opens a data set, and says nothing. A Parquet file is a manifest where the program is built for it.
pub fn read(path: &Path) -> anyhow::Result<DataSet> {
    let is_parquet = |path: &Path| {
        path.is_file() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
    };
    if is_parquet(path) {
        return parquet(path, None);
    }
    match path.parent().filter(|table| is_parquet(table)) {
        Some(table) => parquet(table, path.file_name()),
        None => Ok(DataSet::open(path)?),
    }
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path, product: Option<&OsStr>) -> anyhow::Result<DataSet> {
    Ok(DataSet::of_manifest(path, crate::parquet_rows::read(path)?, product)?)
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path, _: Option<&OsStr>) -> anyhow::Result<DataSet> {
    anyhow::bail!(
        "{} is a Parquet file, which this program is not built to read: save it as CSV, or build with --features parquet",
        path.display()
    )
}

/// The photos directly in a folder.
pub fn photos_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let set = DataSet::folder(folder)?;
    say(&set, Use::Good);
    Ok(set.train)
}

/// A line for what is left out, one for each remark that concerns the command, and one for masks of no photo.
pub fn say(set: &DataSet, wanted: Use) {
    if !set.left_out.is_empty() {
        note(&format!("left out: {}", set.left_out));
    }
    for remark in set.remarks.iter().filter(|remark| wanted == Use::Test || !remark.is_about_test()) {
        note(&remark.to_string());
    }
    if wanted == Use::Test {
        orphans(set).iter().for_each(|line| note(line));
    }
}

/// Masks of no photo, as one line.
pub fn orphans(set: &DataSet) -> Option<String> {
    let count = set.orphan_masks.len();
    let names: Vec<String> = set.orphan_masks.iter().take(NAMED).map(|mask| one_line(&set.relative(mask))).collect();
    let more = if count > NAMED { ", .." } else { "" };
    let what = if count == 1 { "mask belongs" } else { "masks belong" };
    (count > 0).then(|| format!("{count} {what} to no photo: {}{more}", names.join(", ")))
}
