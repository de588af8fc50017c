//! Anomaly maps as NPY files, which NumPy and most image tools read (format 1.0, little-endian float32, C order).

use patchcore::AnomalyMap;

/// The file's bytes.
pub fn to_npy(map: &AnomalyMap) -> Vec<u8> {
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", map.height, map.width);
    // Magic, version and length take 10 bytes; the header ends in a line feed and fills a multiple of 64 bytes.
    let padding = 64 - (10 + dict.len() + 1) % 64;
    let length = (dict.len() + padding + 1) as u16;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(dict.as_bytes());
    bytes.extend(std::iter::repeat_n(b' ', padding));
    bytes.push(b'\n');
    bytes.extend(map.scores.iter().flat_map(|score| score.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_aligned_and_complete() {
        for width in [1, 7, 224, 100_000] {
            let map = AnomalyMap { width, height: 1, scores: vec![1.5; width] };
            let bytes = to_npy(&map);
            let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            assert_eq!((10 + length) % 64, 0);
            assert_eq!(bytes[10 + length - 1], b'\n');
            assert_eq!(bytes.len(), 10 + length + 4 * width);
        }
    }
}
