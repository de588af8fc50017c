//! One finding as one picture: photo, overlay, map and truth side by side, with the colours and what they mean.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, RgbImage};

use crate::heat_map::heat_map;
use crate::lettering::fill;
use crate::number::number;
use crate::outline::draw_outline;
use crate::overlay::{CONTOUR, TRUTH, blend, overlay, truth_line};
use crate::region_box::{PixelBox, draw_box};
use crate::resample::{check_len, resample};
use crate::{ColorScale, Lettering, ReportError};

/// What a panel shows. Sizes as in [`overlay`](crate::overlay()).
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// The photo, or the view of it that the network saw.
    pub photo: &'a RgbImage,
    /// `[map_height * map_width]` anomaly scores over the same field of view.
    pub map: &'a [f32],
    /// Columns of the map.
    pub map_width: u32,
    /// Rows of the map.
    pub map_height: u32,
    /// The model's scale, at whose threshold the contour is drawn.
    pub scale: ColorScale,
    /// The regions above the threshold, which are boxed.
    pub boxes: &'a [PixelBox],
    /// Which pixels of the map were looked at, of its size; what was not is grey in the picture of the map. `None`: all of them.
    pub seen: Option<&'a [bool]>,
    /// The true defect, row-major at the photo's size; `None` leaves the last picture out.
    pub truth: Option<&'a [bool]>,
    /// Headline, such as `scratch/003.png  anomalous: score 3.41, threshold 2.8`; ends in an ellipsis where it is too long.
    pub title: &'a str,
    /// What the labels are drawn with.
    pub lettering: &'a Lettering,
}

const PAPER: [u8; 3] = [250, 250, 248];
const INK: [u8; 3] = [32, 33, 36];
const FAINT: [u8; 3] = [110, 112, 116];
/// What was not looked at.
const UNSEEN: [u8; 3] = [200, 200, 200];
const MARGIN: u32 = 16;
const BAR: u32 = 18;
/// Height of a line of text.
const TEXT: u32 = 22;
/// The same on a panel of small pictures.
const SMALL_TEXT: u32 = 15;
/// Shown size of the photo's long side.
const LONG_SIDE: std::ops::RangeInclusive<u32> = 256..=1000;

impl Panel<'_> {
    /// The size at which a panel shows a photo: its own, but with its long side between 256 and 1,000 pixels.
    #[must_use]
    pub fn shown_size(width: u32, height: u32) -> (u32, u32) {
        let long = width.max(height).max(1);
        let shown = long.clamp(*LONG_SIDE.start(), *LONG_SIDE.end());
        let side = |side: u32| ((f64::from(side) * f64::from(shown) / f64::from(long)).round() as u32).max(8);
        (side(width), side(height))
    }

    /// A photo at the size at which a panel shows it.
    #[must_use]
    pub fn shown(photo: &RgbImage) -> RgbImage {
        let (width, height) = Self::shown_size(photo.width(), photo.height());
        match photo.dimensions() == (width, height) {
            true => photo.clone(),
            false => imageops::resize(photo, width, height, FilterType::Triangle),
        }
    }

    /// Draws the panel, each picture at [`Panel::shown_size`].
    ///
    /// # Errors
    /// As [`overlay`](crate::overlay()).
    pub fn render(&self) -> Result<RgbImage, ReportError> {
        let (width, height) = self.photo.dimensions();
        if width == 0 || height == 0 {
            return Err(ReportError::NoPixels { what: "photo", width, height });
        }
        if let Some(truth) = self.truth {
            check_len("true mask", truth.len(), width, height)?;
        }
        if let Some(seen) = self.seen {
            check_len("mask of what was looked at", seen.len(), self.map_width, self.map_height)?;
        }
        let (tile_width, tile_height) = Self::shown_size(width, height);
        let photo = Self::shown(self.photo);
        let truth = self.truth.map(|truth| resize_mask(truth, (width, height), (tile_width, tile_height)));
        let (map_width, map_height) = (self.map_width, self.map_height);
        let mut heat = overlay(&photo, self.map, map_width, map_height, &self.scale, truth.as_deref())?;
        for region in self.boxes {
            draw_box(&mut heat, scaled(*region, (width, height), (tile_width, tile_height)));
        }
        let scores = resample(self.map, (map_width, map_height), (tile_width, tile_height));
        let mut map = heat_map(&scores, tile_width, tile_height, &self.scale)?;
        let seen = self.seen.map(|seen| resize_mask(seen, (map_width, map_height), (tile_width, tile_height)));
        for (pixel, _) in map.pixels_mut().zip(seen.iter().flatten()).filter(|(_, seen)| !**seen) {
            pixel.0 = UNSEEN;
        }

        let mut tiles = vec![("photo", photo.clone()), ("anomaly map over it", heat), ("anomaly map", map)];
        if let Some(truth) = &truth {
            tiles.push(("truth", truth_tile(&photo, truth)));
        }
        Ok(self.lay_out(&tiles, tile_width, tile_height))
    }

    /// Title, captioned tiles, colour bar and the key to the lines.
    fn lay_out(&self, tiles: &[(&str, RgbImage)], tile_width: u32, tile_height: u32) -> RgbImage {
        let (text, gap) = if tile_width.min(tile_height) >= 200 { (TEXT, 2) } else { (SMALL_TEXT, 1) };
        let line = text + 4 * gap;
        let top = MARGIN + 2 * line;
        let ticks = self.ticks(tile_height / text);
        let label_width = ticks.iter().map(|(_, label)| self.lettering.width(label, text)).max().unwrap_or(0);
        let bar_left = MARGIN + tiles.len() as u32 * (tile_width + MARGIN) + MARGIN / 2;
        let width = bar_left + BAR + 10 + label_width + MARGIN;
        let mut sheet = RgbImage::from_pixel(width, top + tile_height + line + MARGIN, image::Rgb(PAPER));

        let write = |sheet: &mut RgbImage, label: &str, room: u32, (x, y): (u32, u32), color| {
            self.lettering.draw(sheet, &self.lettering.fit(label, room, text), x, y, text, color);
        };
        write(&mut sheet, self.title, width - 2 * MARGIN, (MARGIN, MARGIN), INK);
        let mut left = MARGIN;
        for (caption, tile) in tiles {
            write(&mut sheet, caption, tile_width, (left, top - line + gap), FAINT);
            imageops::replace(&mut sheet, tile, i64::from(left), i64::from(top));
            left += tile_width + MARGIN;
        }
        self.draw_bar(&mut sheet, bar_left, top, tile_height, text, &ticks);
        self.draw_key(&mut sheet, MARGIN, top + tile_height + 4 * gap, text);
        sheet
    }

    /// The colour bar with the numbers at its ends and its middle, and a notch at the threshold.
    fn draw_bar(&self, sheet: &mut RgbImage, left: u32, top: u32, height: u32, text: u32, ticks: &[(f32, String)]) {
        fill(sheet, left - 1, top, BAR + 2, height, FAINT);
        for row in 1..height.saturating_sub(1) {
            let fraction = 1.0 - (row - 1) as f32 / (height - 3).max(1) as f32;
            fill(sheet, left, top + row, BAR, 1, ColorScale::color(fraction));
        }
        let at = |fraction: f32| top + ((1.0 - fraction) * (height - 1) as f32).round() as u32;
        for (fraction, label) in ticks {
            let y = at(*fraction);
            fill(sheet, left + BAR + 1, y, 4, 1, FAINT);
            let label_top = y.saturating_sub(text / 2).min((top + height).saturating_sub(text)).max(top);
            self.lettering.draw(sheet, label, left + BAR + 10, label_top, text, INK);
        }
        let y = at(0.5);
        fill(sheet, left - 4, y.saturating_sub(2), BAR + 8, 5, INK);
        fill(sheet, left - 3, y.saturating_sub(1), BAR + 6, 3, CONTOUR);
    }

    /// Names the lines, each with a piece of it.
    fn draw_key(&self, sheet: &mut RgbImage, left: u32, top: u32, text: u32) {
        let mut x = left;
        // Half the height of a capital.
        let middle = top + text * 11 / 20;
        fill(sheet, x, middle.saturating_sub(1), 24, 4, INK);
        fill(sheet, x, middle, 24, 2, CONTOUR);
        let label = "above the pixel threshold";
        self.lettering.draw(sheet, label, x + 32, top, text, INK);
        x += 32 + self.lettering.width(label, text) + 24;
        if self.truth.is_some() {
            for dash in 0..3 {
                fill(sheet, x + dash * 9, middle.saturating_sub(1), 7, 4, INK);
                fill(sheet, x + dash * 9, middle, 7, 2, TRUTH);
            }
            self.lettering.draw(sheet, "true defect", x + 32, top, text, INK);
            x += 32 + self.lettering.width("true defect", text) + 24;
        }
        if self.seen.is_some() {
            fill(sheet, x, middle.saturating_sub(4), 24, 10, UNSEEN);
            self.lettering.draw(sheet, "not looked at", x + 32, top, text, INK);
        }
    }

    /// Place and text of the numbers beside a bar that has room for so many.
    fn ticks(&self, room: u32) -> Vec<(f32, String)> {
        let fractions: &[f32] = match room {
            0 | 1 => &[1.0],
            2 => &[0.0, 1.0],
            3 | 4 => &[0.0, 0.5, 1.0],
            _ => &[0.0, 0.25, 0.5, 0.75, 1.0],
        };
        let said = |fraction: &f32| {
            let score = number(self.scale.score(*fraction));
            let times = self.scale.high / self.scale.threshold;
            let label = match *fraction {
                0.0 => format!("{score}  good parts"),
                0.5 => format!("{score}  threshold"),
                1.0 if self.scale.threshold > 0.0 => format!("{score}  {times:.0} x"),
                _ => score,
            };
            (*fraction, label)
        };
        fractions.iter().map(said).collect()
    }
}

/// The photo with the true defect tinted and outlined.
fn truth_tile(photo: &RgbImage, truth: &[bool]) -> RgbImage {
    let mut tile = photo.clone();
    for (pixel, _) in tile.pixels_mut().zip(truth).filter(|(_, inside)| **inside) {
        *pixel = blend(*pixel, TRUTH, 0.2);
    }
    let mut line = truth_line(tile.width(), tile.height());
    line.dashed = false;
    draw_outline(&mut tile, truth, line);
    tile
}

/// A box of a picture of this size in the pixels of a tile that shows it.
fn scaled(region: PixelBox, of: (u32, u32), tile: (u32, u32)) -> PixelBox {
    let at = |at: u32, of: u32, shown: u32| (f64::from(at) * f64::from(shown) / f64::from(of)).round() as u32;
    let (left, top) = (at(region.left, of.0, tile.0), at(region.top, of.1, tile.1));
    let right = at(region.left.saturating_add(region.width), of.0, tile.0);
    let bottom = at(region.top.saturating_add(region.height), of.1, tile.1);
    PixelBox { left, top, width: right.saturating_sub(left).max(1), height: bottom.saturating_sub(top).max(1) }
}

/// A mask at another size; a pixel belongs to the defect when at least a quarter of it does, so thin ones stay visible.
fn resize_mask(mask: &[bool], from: (u32, u32), to: (u32, u32)) -> Vec<bool> {
    if from == to {
        return mask.to_vec();
    }
    let mut gray = GrayImage::new(from.0, from.1);
    for (pixel, &inside) in gray.pixels_mut().zip(mask) {
        *pixel = Luma([if inside { 255 } else { 0 }]);
    }
    imageops::resize(&gray, to.0, to.1, FilterType::Triangle).pixels().map(|pixel| pixel.0 >= [64]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_sizes_keep_the_aspect_and_stay_in_range() {
        assert_eq!(Panel::shown_size(320, 256), (320, 256));
        assert_eq!(Panel::shown_size(4000, 2000), (1000, 500));
        assert_eq!(Panel::shown_size(64, 32), (256, 128));
        assert_eq!(Panel::shown_size(20_000, 1), (1000, 8));
    }
}
