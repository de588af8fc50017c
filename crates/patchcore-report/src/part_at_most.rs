//! A part of a photo for a page, no larger than a page shows it.

use image::RgbImage;
use image::imageops::{self, FilterType};

/// The rectangle that begins at column and row `first` and is `size` columns and rows large, cut to the photo, with its long side
/// scaled down to `long_side` where that is smaller; at least one pixel of each side, as long as the photo has one.
pub fn part_at_most(photo: &RgbImage, first: (u32, u32), size: (u32, u32), long_side: u32) -> RgbImage {
    let part = imageops::crop_imm(photo, first.0, first.1, size.0, size.1).to_image();
    let long = part.width().max(part.height());
    if long <= long_side {
        return part;
    }
    let side = |side: u32| (u64::from(side) * u64::from(long_side) / u64::from(long)).max(1) as u32;
    imageops::resize(&part, side(part.width()), side(part.height()), FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_and_only_made_smaller() {
        let photo = RgbImage::from_fn(100, 50, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let part = part_at_most(&photo, (10, 20), (40, 20), 512);
        assert_eq!((part.dimensions(), part.get_pixel(0, 0).0), ((40, 20), [10, 20, 0]));
        assert_eq!(part_at_most(&photo, (10, 20), (40, 20), 10).dimensions(), (10, 5));
        assert_eq!(part_at_most(&photo, (90, 40), (40, 40), 512).dimensions(), (10, 10));
        assert_eq!(part_at_most(&photo, (0, 0), (100, 1), 10).dimensions(), (10, 1));
    }
}
