//! The anomaly map in the geometry of the original photo: what an overlay, a PLC or a robot wants.

use patchcore_config::Size;
use patchcore_core::scoring::AnomalyMap;
use patchcore_io::Geometry;

use crate::score::Score;

/// One score per pixel of the original photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoMap {
    /// The map, of the photo's size; 0 where nothing was looked at.
    pub map: AnomalyMap,
    /// Which pixels were looked at, `[height, width]` row by row: false outside the crop and outside the region of
    /// interest. `None`: all of them.
    pub seen: Option<Vec<bool>>,
}

impl Score {
    /// The map resampled to the original photo: bilinear between the centres of the input's pixels, the outermost
    /// values continued to the photo's edge. A pixel takes whether it was seen from the input pixel nearest to it.
    ///
    /// Cost: four products per pixel of the photo.
    ///
    /// # Panics
    /// Where the map, or what lies inside, has another size than it says; those that a model returns do not.
    ///
    /// # Examples
    /// ```
    /// use patchcore::{Model, Photo, PixelBuffer, PixelFormat, Settings};
    ///
    /// # fn main() -> Result<(), patchcore::Error> {
    /// let frame: Vec<u8> = (0..80 * 60).map(|i| (i * 37 % 61) as u8 + 90).collect();
    /// let buffer = PixelBuffer { data: &frame, width: 80, height: 60, stride: 80, format: PixelFormat::Gray8 };
    /// let photo = Photo::from_buffer(&buffer)?;
    /// let resize = Some(patchcore::Resize::Short(48));
    /// let settings = Settings { resize, coreset_sampling_ratio: Some(0.5), ..Settings::default() };
    /// let score = Model::fit(&settings, [photo.clone()])?.score(&photo)?;
    /// assert_eq!((score.map.width, score.map.height), (64, 48));
    /// let map = score.on_photo().map;
    /// assert_eq!((map.width, map.height), (80, 60));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_photo(&self) -> PhotoMap {
        let Size { width, height } = self.geometry.original;
        PhotoMap::new(&self.map, self.inside.as_deref(), &self.geometry, Size { width, height })
    }
}

impl PhotoMap {
    /// A map in the geometry of the network's input, resampled to the whole photo at another size, such as that of a smaller picture
    /// of it. `inside`: which pixels of the map count.
    ///
    /// # Panics
    /// As [`Score::on_photo`].
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "samples lie inside the map, whose sizes are asserted")]
    pub fn new(map: &AnomalyMap, inside: Option<&[bool]>, geometry: &Geometry, size: Size) -> PhotoMap {
        let (width, height) = (size.width as usize, size.height as usize);
        // The photo's column that lies under the middle of a column of that size.
        let in_photo = |at: usize, side: u32, of: u32| (at as f64 + 0.5) * f64::from(of) / f64::from(side) - 0.5;
        let axis = |count: usize, pixels: usize, along: &dyn Fn(usize) -> f64| -> Vec<Sample> {
            (0..count).map(|at| Sample::new(along(at), pixels)).collect()
        };
        let original = geometry.original;
        let columns = axis(width, map.width, &|x| geometry.to_input(in_photo(x, size.width, original.width), 0.0).0);
        let rows = axis(height, map.height, &|y| geometry.to_input(0.0, in_photo(y, size.height, original.height)).1);
        let pixels = map.width * map.height;
        assert!(pixels > 0 && map.scores.len() == pixels, "the map has a score for each of its pixels");
        assert!(inside.is_none_or(|inside| inside.len() == pixels), "the region has the map's size");
        let value = |x: usize, y: usize| map.scores[y * map.width + x];
        let inside = |x: usize, y: usize| inside.is_none_or(|inside| inside[y * map.width + x]);
        let mut scores = Vec::with_capacity(width * height);
        let mut seen = Vec::with_capacity(width * height);
        for row in &rows {
            for column in &columns {
                let here = row.shown && column.shown && inside(column.nearest, row.nearest);
                seen.push(here);
                // Pixels that were not looked at have no score to mix with.
                let (mut sum, mut weights) = (0.0, 0.0);
                for (y, v) in [(row.low, 1.0 - row.share), (row.high, row.share)] {
                    for (x, u) in [(column.low, 1.0 - column.share), (column.high, column.share)] {
                        if here && inside(x, y) {
                            sum += u * v * value(x, y);
                            weights += u * v;
                        }
                    }
                }
                scores.push(if weights > 0.0 { sum / weights } else { 0.0 });
            }
        }
        let all = seen.iter().all(|seen| *seen);
        PhotoMap { map: AnomalyMap { width, height, scores }, seen: (!all).then_some(seen) }
    }
}

/// Where a photo's column or row lies between those of the input.
struct Sample {
    low: usize,
    high: usize,
    /// Of `high`, in `[0, 1]`.
    share: f32,
    nearest: usize,
    /// Whether the input reaches that far.
    shown: bool,
}

impl Sample {
    fn new(at: f64, pixels: usize) -> Self {
        let last = pixels - 1;
        let clamped = at.clamp(0.0, last as f64);
        let low = clamped as usize;
        let nearest = (clamped.round() as usize).min(last);
        let shown = at >= -0.5 && at <= pixels as f64 - 0.5;
        Self { low, high: (low + 1).min(last), share: (clamped - low as f64) as f32, nearest, shown }
    }
}
