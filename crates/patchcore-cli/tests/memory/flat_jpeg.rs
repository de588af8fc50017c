//! Grey JPEGs of any size without having their pixels in memory: the process that measures must be smaller than what it measures.

use std::fs;
use std::path::Path;

/// How a JPEG is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Baseline,
    /// Its decoder keeps the coefficients of the whole picture.
    Progressive,
}

/// Writes a photo of three channels, all of whose coefficients are 0: each of them is one bit that is 0.
pub fn save(path: &Path, width: u16, height: u16, kind: Kind) {
    let (frame, last_coefficient, bits) = match kind {
        Kind::Baseline => (0xc0, 63, 2),
        // Without a scan for the others they are 0.
        Kind::Progressive => (0xc2, 0, 1),
    };
    let mut bytes = vec![0xff, 0xd8];
    let mut segment = |marker: u8, content: &[u8]| {
        bytes.extend([0xff, marker]);
        bytes.extend((content.len() as u16 + 2).to_be_bytes());
        bytes.extend(content);
    };
    let [h1, h0] = height.to_be_bytes();
    let [w1, w0] = width.to_be_bytes();
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    segment(frame, &[8, h1, h0, w1, w0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    // One code of one bit for the difference of 0, and one for the end of a block.
    for table in [0x00, 0x10] {
        segment(0xc4, &[&[table, 1][..], &[0; 15], &[0]].concat());
    }
    segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, last_coefficient, 0]);
    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8)) * 3;
    bytes.resize(bytes.len() + blocks * bits / 8, 0);
    // What is left of the last byte is filled with ones.
    bytes.push(0xff >> (blocks * bits % 8));
    if bytes.ends_with(&[0xff]) {
        bytes.push(0);
    }
    bytes.extend([0xff, 0xd9]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
