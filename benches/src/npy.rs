//! Two-dimensional `f32` arrays in numpy's file format: what passes between our side and the peers.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use patchcore_report::to_npy;

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
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = || {
        let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (header, body) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let header = std::str::from_utf8(header).ok()?;
        let shape = header.split_once("'shape': (")?.1.split_once(')')?.0;
        let (rows, columns) = shape.split_once(", ")?;
        Some((rows.parse::<usize>().ok()?, columns.parse::<usize>().ok()?, body))
    };
    let (rows, columns, body) = parsed().with_context(|| format!("{} is no array of ours", path.display()))?;
    ensure!(body.len() == rows * columns * 4, "{} is cut off", path.display());
    let values = body.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Ok(Array { columns, values })
}
