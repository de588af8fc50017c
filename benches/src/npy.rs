//! Two-dimensional `f32` arrays in numpy's file format: what passes between our side and the peers.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use patchcore_report::to_npy;
use patchcore_testing::read_npy;

/// An array `[rows, columns]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Values of a row.
    pub columns: usize,
    /// `rows x columns` values.
    pub values: Vec<f32>,
}

/// Writes an array.
///
/// # Errors
/// Values that are no whole rows; a file that cannot be written.
pub fn write(path: &Path, columns: usize, values: &[f32]) -> anyhow::Result<()> {
    let rows = values.len() / columns.max(1);
    let bytes = to_npy(values, u32::try_from(columns)?, u32::try_from(rows)?)?;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// A file that is not there or was not written by [`write()`].
pub fn read(path: &Path) -> anyhow::Result<Array> {
    let (shape, values) = read_npy(path)?;
    let &[_, columns] = &shape[..] else { bail!("{} is no array of ours: its shape is {shape:?}", path.display()) };
    Ok(Array { columns, values })
}
