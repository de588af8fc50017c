//! A box around a region of a picture.

use image::RgbImage;

use crate::lettering::fill;

/// A rectangle of a picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelBox {
    /// Its first column.
    pub left: u32,
    /// Its first row.
    pub top: u32,
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

/// Two colours, so that the box is seen on dark and on light parts.
const INSIDE: [u8; 3] = [255, 255, 255];
const OUTSIDE: [u8; 3] = [32, 33, 36];
/// So far from what it surrounds, as far as there is room.
const AWAY: u32 = 2;

/// Draws the box around a region.
pub(crate) fn draw_box(picture: &mut RgbImage, region: PixelBox) {
    let (width, height) = picture.dimensions();
    let right = region.left.saturating_add(region.width).saturating_add(AWAY).min(width);
    let bottom = region.top.saturating_add(region.height).saturating_add(AWAY).min(height);
    let (left, top) = (region.left.saturating_sub(AWAY), region.top.saturating_sub(AWAY));
    for (inset, color) in [(0, OUTSIDE), (1, INSIDE)] {
        let (left, top) = (left + inset, top + inset);
        let (right, bottom) = (right.saturating_sub(inset), bottom.saturating_sub(inset));
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        if width == 0 || height == 0 {
            continue;
        }
        fill(picture, left, top, width, 1, color);
        fill(picture, left, bottom - 1, width, 1, color);
        fill(picture, left, top, 1, height, color);
        fill(picture, right - 1, top, 1, height, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_lies_around_the_region_and_inside_the_picture() {
        let mut picture = RgbImage::new(12, 10);
        draw_box(&mut picture, PixelBox { left: 4, top: 4, width: 3, height: 2 });
        let white = |x, y| picture.get_pixel(x, y).0 == INSIDE;
        assert!(white(3, 3) && white(7, 3) && white(3, 6) && white(7, 6) && white(5, 3) && white(3, 5));
        assert!((4..7).all(|x| (4..6).all(|y| picture.get_pixel(x, y).0 == [0; 3])), "the region itself stays");
        for odd in [
            PixelBox { left: 0, top: 0, width: u32::MAX, height: u32::MAX },
            PixelBox { left: 50, top: 50, width: 1, height: 1 },
            PixelBox { left: 11, top: 9, width: 1, height: 1 },
        ] {
            draw_box(&mut picture, odd);
        }
    }
}
