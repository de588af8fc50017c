//! A small made-up part for tests that need photos but no real ones: a textured plate, with or without a bright spot.

use patchcore::{Photo, PixelBuffer, PixelFormat};

/// Width and height of the photos.
pub const SIDE: u32 = 96;

/// One photo; `defect` draws a spot of nine pixels a side.
pub fn photo(seed: u32, defect: bool) -> Photo {
    let mut data = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let noise = (x * 31 + y * 17 + seed * 7919).wrapping_mul(2_654_435_761) >> 28;
            let stripes = if (x / 6 + seed % 3).is_multiple_of(2) { 90 } else { 120 };
            let spot = defect && (40..49).contains(&x) && (52..61).contains(&y);
            data.push(if spot { 250 } else { (stripes + noise) as u8 });
        }
    }
    let buffer =
        PixelBuffer { data: &data, width: SIDE, height: SIDE, stride: SIDE as usize, format: PixelFormat::Gray8 };
    Photo::from_buffer(&buffer).unwrap()
}

/// Photos of good parts.
pub fn good(count: u32) -> Vec<Photo> {
    (0..count).map(|seed| photo(seed, false)).collect()
}
