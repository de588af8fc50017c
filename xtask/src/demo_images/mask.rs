//! The exact truth: which pixels the defect changed enough to be seen.

use image::{GrayImage, Luma};

use super::camera::{HEIGHT, WIDTH, tone};

/// Smallest change of an 8-bit channel that counts; the sensor's noise is about two.
const VISIBLE: u8 = 9;

/// White where the same shot of the same part without its defect differs visibly. Gaps of up to two pixels inside are
/// closed: tool marks cross a defect, and where they do the two may agree by chance. Specks of fewer than six pixels go.
pub(super) fn changed(good: &[[f32; 3]], defective: &[[f32; 3]]) -> GrayImage {
    let differs =
        good.iter().zip(defective).map(|(a, b)| a.iter().zip(b).any(|(a, b)| tone(*a).abs_diff(tone(*b)) >= VISIBLE));
    let mut region: Vec<bool> = differs.collect();
    for _ in 0..2 {
        region = spread(&region, true);
    }
    for _ in 0..2 {
        region = spread(&region, false);
    }
    drop_specks(&mut region);
    let mut mask = GrayImage::new(WIDTH, HEIGHT);
    for (pixel, inside) in mask.pixels_mut().zip(region) {
        *pixel = Luma([if inside { 255 } else { 0 }]);
    }
    mask
}

/// Grows (`grow`) or shrinks the region by one pixel, corners included.
fn spread(region: &[bool], grow: bool) -> Vec<bool> {
    (0..region.len()).map(|here| neighbours(here).any(|near| region.get(near).copied() == Some(grow)) == grow).collect()
}

/// The pixel and its neighbours inside the picture.
fn neighbours(here: usize) -> impl Iterator<Item = usize> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let (x, y) = (here % width, here / width);
    let columns = x.saturating_sub(1)..=(x + 1).min(width - 1);
    (y.saturating_sub(1)..=(y + 1).min(height - 1))
        .flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

fn drop_specks(region: &mut [bool]) {
    let mut seen = vec![false; region.len()];
    for start in 0..region.len() {
        let mut members = Vec::new();
        let mut open = vec![start];
        while let Some(here) = open.pop() {
            match (region.get(here), seen.get_mut(here)) {
                (Some(true), Some(seen)) if !*seen => *seen = true,
                _ => continue,
            }
            members.push(here);
            open.extend(neighbours(here));
        }
        if members.len() < 6 {
            for member in members {
                if let Some(pixel) = region.get_mut(member) {
                    *pixel = false;
                }
            }
        }
    }
}
