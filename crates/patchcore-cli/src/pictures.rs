//! What is drawn of a scored photo: one panel, the same for `score` and `evaluate`, on the model's one scale.

use patchcore::{AnomalyMap, DefectRegion, Geometry, MapScale, Model, Photo, PhotoMap, Size, Threshold, Verdict};
use patchcore_report::{ColorScale, Lettering, Panel, PixelBox, to_png};

/// Boxes on a picture: of the highest regions, where there are more.
const BOXES: usize = 20;

/// The one scale of a model's pictures.
pub fn color_scale(model: &Model) -> ColorScale {
    let MapScale { good, threshold, full } = model.map_scale();
    ColorScale { low: good, threshold, high: full }
}

/// What a picture says of a photo's score: `anomalous: score 3.41, threshold 2.8`.
pub fn verdict_line(score: f32, verdict: Option<Verdict>, threshold: Option<Threshold>) -> String {
    match (verdict, threshold) {
        (Some(verdict), Some(threshold)) => {
            format!("{}: score {score:.4}, threshold {:.4}", verdict.words(), threshold.value)
        }
        _ => format!("score {score:.4}, no threshold"),
    }
}

/// A photo with its map, both in the geometry of the photo.
pub struct Scene<'a> {
    /// The photo as it is.
    pub photo: &'a Photo,
    /// The map, `inside` its pixels that count, and the true defect.
    pub map: &'a AnomalyMap,
    pub inside: Option<&'a [bool]>,
    pub truth: Option<&'a [bool]>,
    /// How the map lies in the photo; `None` for a map of the photo's own size.
    pub geometry: Option<&'a Geometry>,
    pub regions: &'a [DefectRegion],
    pub title: &'a str,
}

impl Scene<'_> {
    /// The panel as the bytes of a PNG.
    pub fn png(&self, model: &Model, lettering: &Lettering) -> anyhow::Result<Vec<u8>> {
        let photo = self.photo.to_rgb8();
        let (width, height) = Panel::shown_size(photo.width(), photo.height());
        let shown = Size { width, height };
        // The map is stretched to what is shown, not to all pixels of a large photo.
        let on_photo = |map: &AnomalyMap, geometry| PhotoMap::new(map, self.inside, geometry, shown);
        let PhotoMap { map, seen } = match self.geometry {
            Some(geometry) => on_photo(self.map, geometry),
            None => PhotoMap { map: self.map.clone(), seen: self.inside.map(<[bool]>::to_vec) },
        };
        let truth = match (self.truth, self.geometry) {
            (Some(truth), Some(geometry)) => {
                let scores = truth.iter().map(|defective| if *defective { 1.0 } else { 0.0 }).collect();
                let truth = AnomalyMap { scores, ..*self.map };
                Some(on_photo(&truth, geometry).map.scores.iter().map(|share| *share >= 0.5).collect())
            }
            (truth, _) => truth.map(<[bool]>::to_vec),
        };
        let (photo, boxes) = match self.geometry {
            // Photo, map and truth have one size.
            Some(_) => {
                let boxes = boxes(self.regions, (photo.width(), photo.height()), (width, height));
                (Panel::shown(&photo), boxes)
            }
            None => {
                let own = (photo.width(), photo.height());
                let boxes = boxes(self.regions, own, own);
                (photo, boxes)
            }
        };
        let picture = Panel {
            photo: &photo,
            map: &map.scores,
            map_width: map.width as u32,
            map_height: map.height as u32,
            scale: color_scale(model),
            boxes: &boxes,
            seen: seen.as_deref(),
            truth: truth.as_deref(),
            title: self.title,
            lettering,
        };
        Ok(to_png(&picture.render()?)?)
    }
}

/// The regions of a photo of such a size as boxes of a picture of it.
fn boxes(regions: &[DefectRegion], photo: (u32, u32), picture: (u32, u32)) -> Vec<PixelBox> {
    let scaled = |at: u32, of: u32, to: u32| (f64::from(at) * f64::from(to) / f64::from(of)).round() as u32;
    let of_region = |region: &DefectRegion| {
        let (left, top) = (scaled(region.left, photo.0, picture.0), scaled(region.top, photo.1, picture.1));
        let right = scaled(region.left + region.width, photo.0, picture.0);
        let bottom = scaled(region.top + region.height, photo.1, picture.1);
        PixelBox { left, top, width: right.saturating_sub(left).max(1), height: bottom.saturating_sub(top).max(1) }
    };
    regions.iter().take(BOXES).map(of_region).collect()
}
