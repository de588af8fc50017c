//! Reads the maps that the program writes: one `f32` array in numpy's file format.

use std::path::Path;

use anyhow::{Context, ensure};

/// Shape and values, row-major.
///
/// # Errors
/// A file that is not there, or holds something else.
pub fn read(path: &Path) -> anyhow::Result<(Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = || {
        let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (header, body) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let header = std::str::from_utf8(header).ok()?;
        let is_plain = header.contains("'descr': '<f4'") && header.contains("'fortran_order': False");
        let shape = header.split_once("'shape': (")?.1.split_once(')')?.0;
        let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty()).map(str::parse::<usize>);
        is_plain.then_some((sides.collect::<Result<Vec<_>, _>>().ok()?, body))
    };
    let (shape, body) = parsed().with_context(|| format!("{} is no array of f32", path.display()))?;
    let count: usize = shape.iter().product();
    ensure!(body.len() == count * 4, "{}: {} bytes of values, expected {}", path.display(), body.len(), count * 4);
    Ok((shape, body.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()))
}
