//! What a report shows of one image: its photo, its map, and the pair of crops that says why it was flagged.

use std::path::Path;

use patchcore::{EvaluatedImage, Geometry, Limits, MapGeometry, Model, Photo, Score};
use patchcore_report::{Evidence, NearestPatch, crop_around};

/// Side of a crop as a share of the input's short side.
const CROP: f64 = 0.3;

/// Loads the photo again and scores it again: an evaluation keeps maps, but neither photos nor neighbours. `geometry` is
/// that of the evaluation.
pub fn evidence(model: &Model, row: &EvaluatedImage, geometry: MapGeometry) -> Result<Evidence, patchcore::Error> {
    let photo = Photo::open(&row.image.path, &Limits::default())?;
    let input = model.prepare(&photo)?;
    let score = model.score_input(&input)?;
    let map = row.map.as_ref().unwrap_or(&score.map);
    Ok(Evidence {
        photo: match geometry {
            MapGeometry::Input => input.to_rgb8(),
            MapGeometry::Photo => photo.to_rgb8(),
        },
        map: map.scores.clone(),
        map_width: map.width as u32,
        map_height: map.height as u32,
        truth: row.truth.clone(),
        worst: Some(crop_around(&photo.to_rgb8(), score.worst_at, crop_size(&input.geometry))),
        nearest: Some(nearest(model, &score)),
    })
}

/// The good patch that the worst patch was compared with, with its photo if that is still there.
fn nearest(model: &Model, score: &Score) -> NearestPatch {
    let good = &score.nearest_good;
    let (row, column) = (usize::from(good.origin.row), usize::from(good.origin.column));
    let distance = score.patches.scores.iter().copied().fold(0.0, f32::max);
    let crop = training_photo(model, &good.image).map_err(|error| error.to_string()).map(|(photo, geometry)| {
        // Photos of other shapes have other grids, but cells of the same size.
        let centre = |cell: usize, cells: usize, pixels: u32| {
            (cell as f64 + 0.5) * f64::from(pixels) / cells.max(1) as f64 - 0.5
        };
        let x = centre(column, score.patches.columns, score.geometry.input.width);
        let y = centre(row, score.patches.rows, score.geometry.input.height);
        crop_around(&photo.to_rgb8(), geometry.to_original(x, y), crop_size(&geometry))
    });
    NearestPatch { image: good.image.clone(), row, column, distance, crop }
}

/// The training photo, and how the network's input lies in it.
fn training_photo(model: &Model, name: &str) -> Result<(Photo, Geometry), patchcore::Error> {
    let photo = Photo::open(Path::new(name), &Limits::default())?;
    let geometry = model.prepare(&photo)?.geometry;
    Ok((photo, geometry))
}

/// The crop's size in pixels of the photo.
fn crop_size(geometry: &Geometry) -> (u32, u32) {
    let side = f64::from(geometry.input.width.min(geometry.input.height)) * CROP;
    let scaled =
        |original: u32, resized: u32| (side * f64::from(original) / f64::from(resized)).round().max(1.0) as u32;
    (scaled(geometry.original.width, geometry.resized.width), scaled(geometry.original.height, geometry.resized.height))
}
