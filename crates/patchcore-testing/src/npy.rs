//! Reads the arrays that the program and the benches write: `f32` in numpy's file format.

use std::io;
use std::path::Path;

/// Shape and values, row-major.
///
/// # Errors
/// A file that is not there, holds something else or is cut off; the error names it.
pub fn read_npy(path: &Path) -> io::Result<(Vec<usize>, Vec<f32>)> {
    let shown = path.display();
    let bytes =
        std::fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("cannot read {shown}: {error}")))?;
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
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{shown} {what}"));
    let (shape, body) = parsed().ok_or_else(|| wrong("is no array of f32 in numpy's format".to_owned()))?;
    let expected = shape.iter().product::<usize>() * 4;
    if body.len() != expected {
        return Err(wrong(format!("is cut off: {} bytes of values, expected {expected}", body.len())));
    }
    Ok((shape, body.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()))
}
