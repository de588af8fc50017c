//! Arrays as NPY files, which NumPy and most image tools read (format 1.0, little-endian float32, C order): anomaly maps,
//! and what the benches hand to their peers.

use crate::ReportError;
use crate::own::NPY_START;
use crate::resample::check_len;

/// The bytes of a file with an array `[rows, columns]`, row-major, bit for bit.
///
/// # Errors
/// [`ReportError::SizeMismatch`].
pub fn to_npy(values: &[f32], columns: u32, rows: u32) -> Result<Vec<u8>, ReportError> {
    check_len("array", values.len(), columns, rows)?;
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let magic = b"\x93NUMPY\x01\x00";
    // Magic, length and header together fill a multiple of 64 bytes and end in a line feed. This one no other program takes: by it
    // the file is known as one of ours.
    let length = NPY_START - magic.len() - 2;
    header.push_str(&" ".repeat(length - 1 - header.len()));
    header.push('\n');
    let mut bytes = Vec::with_capacity(magic.len() + 2 + length + values.len() * 4);
    bytes.extend_from_slice(magic);
    bytes.extend_from_slice(&(length as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_aligned_and_complete() {
        for columns in [1_usize, 7, 224, 100_000] {
            let values: Vec<f32> = (0..columns).map(|at| at as f32 * 0.37).collect();
            let bytes = to_npy(&values, columns as u32, 1).unwrap();
            let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            assert_eq!(10 + length, 256);
            let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
            assert!(header.ends_with('\n') && header.contains(&format!("'shape': (1, {columns})")), "{header}");
            let read: Vec<f32> =
                bytes[10 + length..].as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
            assert_eq!(read, values);
        }
        assert!(matches!(to_npy(&[0.0; 5], 2, 2), Err(ReportError::SizeMismatch { what: "array", .. })));
    }
}
