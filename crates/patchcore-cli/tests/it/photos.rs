//! A small made-up part: a striped plate, good or with a bright spot; as single photos, as a folder, as a category.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, Luma};

/// Columns and rows of a photo: not square, as photos are.
pub const WIDTH: u32 = 112;
pub const HEIGHT: u32 = 80;
/// Left, top and side of the defect.
const SPOT: (u32, u32, u32) = (80, 30, 14);

/// One photo of any size.
pub fn photo(width: u32, height: u32, seed: u32, defect: bool) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let noise = (x * 31 + y * 17 + seed * 7919).wrapping_mul(2_654_435_761) >> 28;
        let stripe = if (x / 8).is_multiple_of(2) { 90 } else { 120 };
        Luma([if defect && in_spot(x, y) { 250 } else { (stripe + noise) as u8 }])
    })
}

/// The exact mask of the defect.
pub fn mask() -> GrayImage {
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if in_spot(x, y) { 255 } else { 0 }]))
}

fn in_spot(x: u32, y: u32) -> bool {
    let (left, top, side) = SPOT;
    (left..left + side).contains(&x) && (top..top + side).contains(&y)
}

/// Saves an image and makes the folders above it.
pub fn save(path: &Path, image: impl Into<DynamicImage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

/// A plain folder of good photos.
pub fn good_folder(folder: &Path, count: u32) {
    for seed in 0..count {
        save(&folder.join(format!("{seed:03}.png")), photo(WIDTH, HEIGHT, seed, false));
    }
}

/// A category: four good photos to fit on; three good and three spotted ones, with their masks, to judge.
pub fn category(root: &Path) {
    good_folder(&root.join("train/good"), 4);
    for seed in 0..3 {
        save(&root.join(format!("test/good/{seed:03}.png")), photo(WIDTH, HEIGHT, 10 + seed, false));
        save(&root.join(format!("test/spot/{seed:03}.png")), photo(WIDTH, HEIGHT, 20 + seed, true));
        save(&root.join(format!("ground_truth/spot/{seed:03}_mask.png")), mask());
    }
}

/// Keeps the first half of a file.
pub fn truncate(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

/// A PNG whose header claims this size; the pixels of a small one follow.
pub fn lying_png(path: &Path, width: u32, height: u32) {
    save(path, photo(16, 16, 0, false));
    let mut bytes = fs::read(path).unwrap();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    fs::write(path, bytes).unwrap();
}
