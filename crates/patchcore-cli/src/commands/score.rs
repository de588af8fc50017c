//! `patchcore score`: photos in, one score a line out; heat maps and raw maps on request.

use std::path::{Path, PathBuf};

use patchcore::config::Distance;
use patchcore::{
    Limits, Model, Progress, Remarks, Score, Stage, Threshold, Thresholds, Verdict, path_of_text,
    write_beside_and_rename,
};
use patchcore_report::{ColorScale, overlay, to_float_tiff, to_npy, to_png};
use serde::Serialize;

use crate::arguments::{Format, MapFormat, MapGeometry, Score as Arguments};
use crate::data;
use crate::outcome::Outcome;
use crate::output;
use crate::output::{FileNames, make_folder};
use crate::progress::Display;

/// One line of the result.
#[derive(Serialize)]
struct Row {
    image_path: String,
    score: Option<f32>,
    /// `good` or `anomalous`; absent without a threshold.
    verdict: Option<&'static str>,
    /// Centre of the worst patch, in pixels of the photo.
    worst_x: Option<f64>,
    worst_y: Option<f64>,
    /// The training photo with the nearest good patch.
    nearest_good: Option<String>,
    /// The patch's cell in that photo's grid, from 0, and its distance.
    nearest_good_row: Option<u16>,
    nearest_good_column: Option<u16>,
    nearest_good_distance: Option<f32>,
    error: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let source = &arguments.source;
    let mut model = crate::device::load(source)?;
    if let Some(value) = arguments.threshold {
        let thresholds = Thresholds { image: Some(Threshold::manual(value)), ..model.thresholds() };
        model = model.with_thresholds(thresholds)?;
    }
    if arguments.fail_on_anomaly && model.thresholds().image.is_none() {
        return Err(patchcore::Error::NoThreshold.into());
    }
    let files = expand(&arguments.paths)?;
    for folder in [&arguments.maps, &arguments.overlays].into_iter().flatten() {
        make_folder(folder)?;
    }
    let (mut rows, mut remarks) = (Vec::new(), Remarks::default());
    let (mut map_names, mut overlay_names) = (FileNames::new(), FileNames::new());
    let mut display = Display::new();
    for photo in model.scores(&files) {
        let row = match photo.result {
            Err(error) => Row {
                image_path: photo.name,
                score: None,
                verdict: None,
                worst_x: None,
                worst_y: None,
                nearest_good: None,
                nearest_good_row: None,
                nearest_good_column: None,
                nearest_good_distance: None,
                error: Some(error.to_string()),
            },
            Ok(score) => {
                remarks.note(&photo.name, &score.remarks);
                let path = path_of_text(&photo.name);
                let maps = arguments
                    .maps
                    .as_ref()
                    .map(|folder| folder.join(map_names.name(&path, arguments.map_format.extension())));
                let overlays = arguments.overlays.as_ref().map(|folder| folder.join(overlay_names.name(&path, "png")));
                write_pictures(&model, maps, arguments.map_format, overlays, arguments.map_geometry, &path, &score)?;
                Row {
                    image_path: photo.name,
                    score: Some(score.score),
                    verdict: score.verdict.map(Verdict::name),
                    worst_x: Some(score.worst_at.0),
                    worst_y: Some(score.worst_at.1),
                    nearest_good_row: score.nearest_good.origin.map(|origin| origin.row),
                    nearest_good_column: score.nearest_good.origin.map(|origin| origin.column),
                    nearest_good_distance: Some(score.nearest_good.distance),
                    nearest_good: score.nearest_good.image,
                    error: None,
                }
            }
        };
        rows.push(row);
        if display.show(Progress::new(Stage::Scoring, rows.len(), files.len())).is_break() {
            return Err(patchcore::Error::Cancelled { what: "scoring" }.into());
        }
    }
    display.finish();
    drop(display);
    output::note_threshold(&model);
    output::warn_of(&remarks);
    print(&rows, arguments.format)?;
    let anomalous = |row: &Row| row.verdict == Some(Verdict::Anomalous.name());
    if arguments.fail_on_anomaly && rows.iter().any(anomalous) {
        return Ok(Outcome::Anomaly);
    }
    let failed = rows.iter().any(|row| row.error.is_some());
    Ok(if failed { Outcome::SomeImagesFailed } else { Outcome::Done })
}

/// One scale for every photo that a model scores: colour begins where good patches end, and is full at twice that
/// distance.
pub fn color_scale(model: &Model) -> ColorScale {
    let good = model.fitted_on().good_scores.percentile_99.max(f32::MIN_POSITIVE);
    let full = match model.config().distance {
        Distance::SquaredL2 => 4.0,
        Distance::L2 => 2.0,
    };
    ColorScale { low: good, high: full * good }
}

/// The score from which a pixel lies inside the contour: above the model's pixel threshold, as a verdict has it.
pub fn contour(model: &Model) -> Option<f32> {
    model.thresholds().pixel.map(|threshold| threshold.value.next_up())
}

/// Folders become the photos in them.
fn expand(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(data::photos_in(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn write_pictures(
    model: &Model,
    maps: Option<PathBuf>,
    map_format: MapFormat,
    overlays: Option<PathBuf>,
    geometry: MapGeometry,
    photo: &Path,
    score: &Score,
) -> anyhow::Result<()> {
    if maps.is_none() && overlays.is_none() {
        return Ok(());
    }
    let on_photo = (geometry == MapGeometry::Original).then(|| score.on_photo().map);
    let map = on_photo.as_ref().unwrap_or(&score.map);
    let (width, height) = (map.width as u32, map.height as u32);
    if let Some(path) = maps {
        let bytes = match map_format {
            MapFormat::Npy => to_npy(&map.scores, width, height),
            MapFormat::Tiff => to_float_tiff(&map.scores, width, height),
        };
        write_beside_and_rename(&path, &bytes?)?;
    }
    if let Some(path) = overlays {
        let photo = model.open_photo(photo, &Limits::default())?;
        let photo = match geometry {
            MapGeometry::Original => photo.to_rgb8(),
            MapGeometry::Input => model.prepare(&photo)?.to_rgb8(),
        };
        let picture = overlay(&photo, &map.scores, width, height, &color_scale(model), contour(model), None)?;
        write_beside_and_rename(&path, &to_png(&picture)?)?;
    }
    Ok(())
}

fn print(rows: &[Row], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json | Format::Jsonl | Format::Csv => output::print_rows(rows, format),
        Format::Table => {
            let mut text = String::new();
            for row in rows {
                match (&row.score, &row.error) {
                    (Some(score), _) => {
                        let verdict = row.verdict.map(|verdict| format!("{verdict:<9}  ")).unwrap_or_default();
                        text.push_str(&format!("{score:>10.4}  {verdict}{}\n", row.image_path));
                    }
                    (None, error) => text.push_str(&format!(
                        "{:>10}  {}: {}\n",
                        "error",
                        row.image_path,
                        error.as_deref().unwrap_or("unknown")
                    )),
                }
            }
            output::print(&text)
        }
    }
}
