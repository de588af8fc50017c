//! Two crops side by side: what was flagged, and what it was compared with.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use crate::Lettering;
use crate::lettering::fill;

/// A crop and the crop that it is compared with, each under its caption, at the same height.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Headline; ends in an ellipsis where it is too long, as do the captions.
    pub title: &'a str,
    /// Caption and picture of what was flagged.
    pub left: (&'a str, &'a RgbImage),
    /// Caption and picture of what it was compared with; `None` where the photo is gone.
    pub right: (&'a str, Option<&'a RgbImage>),
    /// What the labels are drawn with.
    pub lettering: &'a Lettering,
}

const PAPER: [u8; 3] = [250, 250, 248];
const INK: [u8; 3] = [32, 33, 36];
const FAINT: [u8; 3] = [110, 112, 116];
const EMPTY: [u8; 3] = [226, 226, 222];
const MARGIN: u32 = 12;
/// Shown side of a crop.
const SIDE: u32 = 288;
/// Height of a line of text.
const TEXT: u32 = 22;

impl Pair<'_> {
    /// Draws both, each enlarged or reduced until its longer side is that of a square.
    #[must_use]
    pub fn render(&self) -> RgbImage {
        let line = TEXT + 4;
        let top = MARGIN + 2 * line;
        let mut sheet = RgbImage::from_pixel(3 * MARGIN + 2 * SIDE, top + SIDE + MARGIN, Rgb(PAPER));
        let write = |sheet: &mut RgbImage, label: &str, room: u32, (x, y): (u32, u32), color| {
            self.lettering.draw(sheet, &self.lettering.fit(label, room, TEXT), x, y, TEXT, color);
        };
        write(&mut sheet, self.title, 2 * SIDE, (MARGIN, MARGIN), INK);
        let tiles = [(self.left.0, Some(self.left.1)), self.right];
        for ((caption, picture), left) in tiles.into_iter().zip([MARGIN, 2 * MARGIN + SIDE]) {
            write(&mut sheet, caption, SIDE, (left, MARGIN + line), FAINT);
            match picture.filter(|picture| picture.width() > 0 && picture.height() > 0) {
                Some(picture) => {
                    // Few pixels stay squares: what is enlarged is not made up.
                    let (width, height) = picture.dimensions();
                    let long = width.max(height);
                    let filter = if long < SIDE / 3 { FilterType::Nearest } else { FilterType::Triangle };
                    let shown = |side: u32| (side * SIDE / long).max(1);
                    let shown = imageops::resize(picture, shown(width), shown(height), filter);
                    imageops::replace(&mut sheet, &shown, i64::from(left), i64::from(top));
                }
                None => {
                    fill(&mut sheet, left, top, SIDE, SIDE, EMPTY);
                    write(&mut sheet, "photo not found", SIDE - 2 * MARGIN, (left + MARGIN, top + MARGIN), FAINT);
                }
            }
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crops_are_shown_and_a_missing_one_is_said() {
        let (red, blue) =
            (RgbImage::from_pixel(40, 40, Rgb([200, 0, 0])), RgbImage::from_pixel(20, 20, Rgb([0, 0, 200])));
        let lettering = &Lettering::new(None).unwrap();
        let whole = Pair { title: "score 3.1", left: ("a.png", &red), right: ("b.png", Some(&blue)), lettering };
        let sheet = whole.render();
        let middle = sheet.height() - MARGIN - SIDE / 2;
        assert_eq!(sheet.get_pixel(MARGIN + SIDE / 2, middle).0, [200, 0, 0]);
        assert_eq!(sheet.get_pixel(2 * MARGIN + SIDE + SIDE / 2, middle).0, [0, 0, 200]);
        let half = Pair { right: ("b.png", None), ..whole }.render();
        assert_eq!(half.dimensions(), sheet.dimensions());
        assert_eq!(half.get_pixel(2 * MARGIN + SIDE + SIDE / 2, middle).0, EMPTY);
    }
}
