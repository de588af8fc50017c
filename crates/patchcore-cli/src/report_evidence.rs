//! What a report shows of one image: its photo, its map, and the pair of crops that says why it was flagged.

use patchcore::{EvaluatedImage, Geometry, Limits, MapGeometry, Model, NearestGood, NearestPhoto};
use patchcore_report::{Evidence, NearestPatch, crop_around};

use crate::said;

/// Side of a crop as a share of the input's short side.
const CROP: f64 = 0.3;

/// Loads the photo again: an evaluation keeps maps and what they were compared with, but no photos, of which the galleries show a few
/// that are known only when all are scored. `geometry` is that of the evaluation.
pub fn evidence(model: &Model, row: &EvaluatedImage, geometry: MapGeometry) -> Result<Evidence, String> {
    let (Some(map), Some(worst)) = (&row.map, &row.worst) else { return Err("it has no score".to_owned()) };
    let in_words = |error: patchcore::Error| said::of(&error);
    let photo = model.open_photo(&row.image.path, &Limits::default()).map_err(in_words)?;
    Ok(Evidence {
        photo: match geometry {
            MapGeometry::Input => model.prepare(&photo).map_err(in_words)?.to_rgb8(),
            MapGeometry::Photo => photo.to_rgb8(),
        },
        map: map.scores.clone(),
        map_width: map.width as u32,
        map_height: map.height as u32,
        truth: row.truth.clone(),
        worst: Some(crop_around(&photo.to_rgb8(), worst.at, crop_size(&worst.geometry))),
        nearest: Some(nearest(model, &worst.nearest_good)),
    })
}

/// The good patch that the worst patch was compared with, with its photo if that is still there.
fn nearest(model: &Model, good: &NearestGood) -> NearestPatch {
    let crop = model.open_nearest(good, &Limits::default()).map_err(|error| said::of(&error));
    let cut = |found: NearestPhoto| crop_around(&found.photo.to_rgb8(), found.at, crop_size(&found.geometry));
    NearestPatch {
        image: good.image.clone(),
        cell: good.origin.map(|origin| [usize::from(origin.row), usize::from(origin.column)]),
        distance: good.distance,
        crop: crop.map(cut),
    }
}

/// The size of a crop that shows a patch, in pixels of the photo.
pub fn crop_size(geometry: &Geometry) -> (u32, u32) {
    let side = f64::from(geometry.input.width.min(geometry.input.height)) * CROP;
    let scaled =
        |original: u32, resized: u32| (side * f64::from(original) / f64::from(resized)).round().max(1.0) as u32;
    (scaled(geometry.original.width, geometry.resized.width), scaled(geometry.original.height, geometry.resized.height))
}
