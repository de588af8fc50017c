//! A piece of a photo around a place, for the pairs of crops in a report.

use image::RgbImage;
use image::imageops;

/// The part of `photo` with its middle at `centre` (column and row; the top left pixel has its centre at `(0, 0)`), `size`
/// columns and rows (at least one) large; moved inwards where it would leave the photo, and cut to the photo where that is smaller.
pub fn crop_around(photo: &RgbImage, centre: (f64, f64), size: (u32, u32)) -> RgbImage {
    let side = |centre: f64, size: u32, whole: u32| {
        // Of a photo without pixels the part has none either.
        let size = size.clamp(1, whole.max(1));
        let first = (centre + 0.5 - f64::from(size) / 2.0).round().clamp(0.0, f64::from(whole.saturating_sub(size)));
        (first as u32, size)
    };
    let (left, width) = side(centre.0, size.0, photo.width());
    let (top, height) = side(centre.1, size.1, photo.height());
    imageops::crop_imm(photo, left, top, width, height).to_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_stay_inside_and_keep_their_size() {
        let photo = RgbImage::from_fn(20, 10, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let first = |centre, size| {
            let crop = crop_around(&photo, centre, size);
            (crop.dimensions(), crop.get_pixel(0, 0).0)
        };
        assert_eq!(first((10.0, 5.0), (5, 3)), ((5, 3), [8, 4, 0]));
        assert_eq!(first((-9.0, 50.0), (4, 4)), ((4, 4), [0, 6, 0]));
        assert_eq!(first((3.0, 3.0), (100, 4)), ((20, 4), [0, 2, 0]));
        assert_eq!(first((f64::NAN, 0.0), (2, 2)).0, (2, 2));
    }
}
