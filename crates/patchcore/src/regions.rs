//! Where a photo is not like the good ones: connected areas of its map above the pixel threshold, in places of the photo.

use patchcore_core::nearest_neighbor::Neighbor;
use patchcore_io::Geometry;
use patchcore_metrics::{ConnectedRegions, connected_regions};

use crate::model::Model;
use crate::score::{NearestGood, Score};

/// A connected area of a map above the pixel threshold. Places and sizes are in pixels of the original photo, whose top left pixel has its
/// centre at `(0, 0)`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DefectRegion {
    /// The first column that it touches.
    pub left: u32,
    /// The first row.
    pub top: u32,
    /// Columns from the first to the last that it touches.
    pub width: u32,
    /// Rows from the first to the last.
    pub height: u32,
    /// Its area in pixels of the photo. The map is measured in pixels of the network's input, each of which covers a part of the photo.
    pub area: f64,
    /// The mean place of its pixels: column, row.
    pub centroid: (f64, f64),
    /// Its largest value, in the unit of the model's distance.
    pub peak: f32,
    /// Where that is: column, row; the first of equal ones, row by row.
    pub peak_at: (f64, f64),
    /// The good patch that is nearest to the patch at the peak, in the bank that decided the photo's score.
    pub nearest_good: NearestGood,
}

impl Model {
    /// The regions of a score's map above the pixel threshold of [`Model::map_scale`], the highest peak first. Pixels that touch at a
    /// corner belong together.
    ///
    /// `min_area`: regions of a smaller area, in pixels of the photo, are left out. Cost: O(pixels of the map).
    #[must_use]
    pub fn regions(&self, score: &Score, min_area: f64) -> Vec<DefectRegion> {
        let threshold = self.map_scale().threshold;
        let (width, height) = (score.map.width, score.map.height);
        let counts = |pixel: usize| score.inside.as_ref().is_none_or(|inside| inside.get(pixel) == Some(&true));
        let above: Vec<bool> =
            score.map.scores.iter().enumerate().map(|(at, value)| *value > threshold && counts(at)).collect();
        // A map has a score for each of its pixels, and fewer than 2^32.
        let Ok(ConnectedRegions { labels, sizes }) = connected_regions(&above, width, height) else {
            return Vec::new();
        };
        let mut found = vec![Found::default(); sizes.len()];
        for ((at, label), value) in labels.iter().enumerate().zip(&score.map.scores) {
            let Some(region) = (*label as usize).checked_sub(1).and_then(|region| found.get_mut(region)) else {
                continue;
            };
            region.add(at % width, at / width, *value);
        }
        let of_pixel = area_of_pixel(score);
        let large = found.iter().filter(|found| found.pixels as f64 * of_pixel >= min_area);
        let mut regions: Vec<DefectRegion> = large.map(|found| self.region(score, found)).collect();
        // Equal peaks stay in the order of their first pixels.
        regions.sort_by(|a, b| b.peak.total_cmp(&a.peak));
        regions
    }

    fn region(&self, score: &Score, found: &Found) -> DefectRegion {
        let geometry = &score.geometry;
        let original = geometry.original;
        // The outer edges of the outermost pixels; the part of an input that is padding is no part of the photo.
        let (left, top) = geometry.to_original(found.left as f64 - 0.5, found.top as f64 - 0.5);
        let (right, bottom) = geometry.to_original(found.right as f64 + 0.5, found.bottom as f64 + 0.5);
        let first = |edge: f64, side: u32| (edge + 0.5).floor().clamp(0.0, f64::from(side - 1)) as u32;
        let end = |edge: f64, side: u32| (edge + 0.5).ceil().clamp(1.0, f64::from(side)) as u32;
        let (x, y) = (first(left, original.width), first(top, original.height));
        let count = found.pixels as f64;
        DefectRegion {
            left: x,
            top: y,
            width: end(right, original.width).saturating_sub(x).max(1),
            height: end(bottom, original.height).saturating_sub(y).max(1),
            area: count * area_of_pixel(score),
            centroid: geometry.to_original(found.sum.0 / count, found.sum.1 / count),
            peak: found.peak,
            peak_at: geometry.to_original(found.peak_at.0 as f64, found.peak_at.1 as f64),
            nearest_good: self.nearest_good(
                &self.core,
                score.nearest_good.member,
                &score.nearest,
                cell_of(score, found.peak_at),
            ),
        }
    }
}

/// The pixels of the photo that a pixel of the map covers.
fn area_of_pixel(score: &Score) -> f64 {
    let Geometry { original, resized, .. } = score.geometry;
    let side = |original: u32, resized: u32| f64::from(original) / f64::from(resized);
    side(original.width, resized.width) * side(original.height, resized.height)
}

/// The cell of the patch grid in which a pixel of the map lies; of those that count the nearest one.
fn cell_of(score: &Score, (x, y): (usize, usize)) -> usize {
    let (rows, columns) = (score.patches.rows, score.patches.columns);
    let cell = |at: usize, pixels: usize, cells: usize| (at * cells / pixels.max(1)).min(cells.saturating_sub(1));
    let (row, column) = (cell(y, score.map.height, rows), cell(x, score.map.width, columns));
    let away = |cell: &usize| (cell / columns).abs_diff(row).pow(2) + (cell % columns).abs_diff(column).pow(2);
    let is_counted = |(_, nearest): &(usize, &Neighbor)| **nearest != Neighbor::NONE;
    let own = row * columns + column;
    if score.nearest.get(own).is_some_and(|nearest| is_counted(&(own, nearest))) {
        return own;
    }
    let counted = score.nearest.iter().enumerate().filter(is_counted).map(|(cell, _)| cell);
    counted.min_by_key(away).unwrap_or(0)
}

/// A region in pixels of the map.
#[derive(Debug, Clone, Default)]
struct Found {
    pixels: usize,
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    sum: (f64, f64),
    peak: f32,
    peak_at: (usize, usize),
}

impl Found {
    fn add(&mut self, x: usize, y: usize, value: f32) {
        if self.pixels == 0 {
            (self.left, self.top, self.peak, self.peak_at) = (x, y, value, (x, y));
        } else if value > self.peak {
            (self.peak, self.peak_at) = (value, (x, y));
        }
        self.pixels += 1;
        (self.left, self.right) = (self.left.min(x), self.right.max(x));
        (self.top, self.bottom) = (self.top.min(y), self.bottom.max(y));
        (self.sum.0, self.sum.1) = (self.sum.0 + x as f64, self.sum.1 + y as f64);
    }
}
