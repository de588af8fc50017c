//! Anomaly maps as TIFF files of one float32 channel (TIFF 6.0, little-endian, one uncompressed strip), which image tools
//! open as they open photos.

use patchcore::AnomalyMap;

/// Entries of the directory: tag, type (3 is SHORT, 4 is LONG), value; in ascending order of tags, as the format asks.
const ENTRIES: u16 = 10;
/// Header of 8 bytes, then the directory: its count, its entries, no next one.
const DATA: u32 = 8 + 2 + ENTRIES as u32 * 12 + 4;

/// The file's bytes.
pub fn to_tiff(map: &AnomalyMap) -> Vec<u8> {
    let (width, height) = (map.width as u32, map.height as u32);
    let entries: [(u16, u16, u32); ENTRIES as usize] = [
        (256, 4, width),                       // ImageWidth
        (257, 4, height),                      // ImageLength
        (258, 3, 32),                          // BitsPerSample
        (259, 3, 1),                           // Compression: none
        (262, 3, 1),                           // PhotometricInterpretation: black is zero
        (273, 4, DATA),                        // StripOffsets
        (277, 3, 1),                           // SamplesPerPixel
        (278, 4, height),                      // RowsPerStrip
        (279, 4, map.scores.len() as u32 * 4), // StripByteCounts
        (339, 3, 3),                           // SampleFormat: IEEE float
    ];
    let mut bytes = b"II\x2a\x00\x08\x00\x00\x00".to_vec();
    bytes.extend(ENTRIES.to_le_bytes());
    for (tag, kind, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        // A SHORT lies in the first two bytes of the value, which little-endian order gives by itself.
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(map.scores.iter().flat_map(|score| score.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reader_finds_the_scores() {
        for (width, height) in [(1, 1), (7, 5), (320, 2)] {
            let scores: Vec<f32> = (0..width * height).map(|i| i as f32 * 0.25 - 1.0).collect();
            let map = AnomalyMap { width, height, scores: scores.clone() };
            let mut read = tiff::decoder::Decoder::new(std::io::Cursor::new(to_tiff(&map))).unwrap();
            assert_eq!(read.dimensions().unwrap(), (width as u32, height as u32));
            let tiff::decoder::DecodingResult::F32(read) = read.read_image().unwrap() else { panic!("not f32") };
            assert_eq!(read, scores);
        }
    }
}
