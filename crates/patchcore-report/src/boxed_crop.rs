//! A piece of a photo with a box around the patch that was compared.

use image::RgbImage;

use crate::crop_around;
use crate::lettering::fill;

/// Two colours, so that the box is seen on dark and on light parts.
const INSIDE: [u8; 3] = [255, 255, 255];
const OUTSIDE: [u8; 3] = [20, 20, 20];
/// The box's line on a crop of so many pixels is one pixel wide.
const PIXELS_PER_LINE: u32 = 160;

/// [`crop_around`] the middle of a patch, with a white and a black line around the patch, which is `patch` columns and rows large.
pub fn crop_with_box(photo: &RgbImage, centre: (f64, f64), size: (u32, u32), patch: (u32, u32)) -> RgbImage {
    let mut marked = photo.clone();
    let line = size.0.min(size.1).div_ceil(PIXELS_PER_LINE).max(1);
    let (left, right) = ends(centre.0, patch.0, photo.width());
    let (top, bottom) = ends(centre.1, patch.1, photo.height());
    frame(&mut marked, (left, top), (right, bottom), line, line, INSIDE);
    frame(&mut marked, (left, top), (right, bottom), 2 * line, line, OUTSIDE);
    crop_around(&marked, centre, size)
}

/// First column (or row) of the patch, and the one behind its last.
fn ends(centre: f64, patch: u32, whole: u32) -> (u32, u32) {
    let first = centre + 0.5 - f64::from(patch) / 2.0;
    let within = |at: f64| at.round().clamp(0.0, f64::from(whole)) as u32;
    (within(first), within(first + f64::from(patch)))
}

/// A frame of this width, `away` pixels outside of the rectangle where the picture has them.
fn frame(picture: &mut RgbImage, from: (u32, u32), to: (u32, u32), away: u32, width: u32, color: [u8; 3]) {
    let (left, top) = (from.0.saturating_sub(away), from.1.saturating_sub(away));
    let (right, bottom) = ((to.0 + away).min(picture.width()), (to.1 + away).min(picture.height()));
    let (across, down) = (right.saturating_sub(left), bottom.saturating_sub(top));
    fill(picture, left, top, across, width, color);
    fill(picture, left, bottom.saturating_sub(width), across, width, color);
    fill(picture, left, top, width, down, color);
    fill(picture, right.saturating_sub(width), top, width, down, color);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patch_is_boxed_and_keeps_its_pixels() {
        let photo = RgbImage::from_pixel(100, 80, image::Rgb([90; 3]));
        let crop = crop_with_box(&photo, (49.5, 39.5), (40, 40), (10, 10));
        assert_eq!(crop.dimensions(), (40, 40));
        // Columns 15 to 24 of the crop are the patch.
        let row: Vec<u8> = (11..30).map(|x| crop.get_pixel(x, 20).0[0]).collect();
        assert_eq!(row[..5], [90, 90, 20, 255, 90]);
        assert_eq!(row[13..18], [90, 255, 20, 90, 90]);
        let column: Vec<u8> = (13..16).map(|y| crop.get_pixel(20, y).0[0]).collect();
        assert_eq!(column, [20, 255, 90]);
        assert_eq!(photo.get_pixel(43, 40).0, [90; 3], "the photo itself stays");
    }

    #[test]
    fn a_box_at_the_edge_stays_inside() {
        let photo = RgbImage::from_pixel(20, 20, image::Rgb([90; 3]));
        for centre in [(0.0, 0.0), (19.0, 19.0), (-50.0, 500.0), (f64::NAN, 3.0)] {
            assert_eq!(crop_with_box(&photo, centre, (12, 12), (8, 8)).dimensions(), (12, 12));
        }
    }
}
