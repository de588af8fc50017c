//! `patchcore score`: photos in, one score a line out, each as soon as it is there; heat maps and raw maps on request.

use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore::config::Distance;
use patchcore::{
    Limits, Model, Photo, Progress, Remarks, Score, Stage, Threshold, Thresholds, Verdict, one_line, path_text,
    write_beside_and_rename,
};
use patchcore_report::{ColorScale, OwnFile, overlay, to_float_tiff, to_npy, to_png};
use serde::Serialize;

use crate::arguments::{MapFormat, MapGeometry, Score as Arguments};
use crate::data;
use crate::file_names::FileNames;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::row_stream::RowStream;
use crate::said;
use crate::write_plan::{Kind, WritePlan};

/// How overlays end; folders of photos leave such files out.
pub const OVERLAY: &str = ".overlay.png";

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
    /// Which memory bank decided and has the patch, from 1.
    nearest_good_bank: Option<usize>,
    /// The patch's cell in that photo's grid, from 0, and its distance.
    nearest_good_row: Option<u16>,
    nearest_good_column: Option<u16>,
    nearest_good_distance: Option<f32>,
    /// Where its map and its overlay are, if they were asked for and could be written.
    map_path: Option<String>,
    overlay_path: Option<String>,
    error: Option<String>,
}

/// A path that no photos could be got from.
struct Unread {
    path: PathBuf,
    error: anyhow::Error,
}

/// Where a photo's pictures go.
#[derive(Default)]
struct Files {
    map: Option<PathBuf>,
    overlay: Option<PathBuf>,
}

/// Which of a photo's pictures were written, and why not the others.
#[derive(Default)]
struct Written {
    map: bool,
    overlay: bool,
    error: Option<String>,
}

impl MapFormat {
    /// How files of maps end; folders of photos leave such files out.
    fn ending(self) -> &'static str {
        match self {
            MapFormat::Npy => ".map.npy",
            MapFormat::Tiff => ".map.tiff",
        }
    }

    fn file(self) -> OwnFile {
        match self {
            MapFormat::Npy => OwnFile::Npy,
            MapFormat::Tiff => OwnFile::Tiff,
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let source = &arguments.source;
    let paths = expand(&arguments.paths);
    let files = plan(arguments, &paths)?;
    let mut model = crate::device::load(source)?;
    if let Some(value) = arguments.threshold {
        let thresholds = Thresholds { image: Some(Threshold::manual(value)), ..model.thresholds() };
        model = model.with_thresholds(thresholds)?;
    }
    if arguments.fail_on_anomaly && model.thresholds().image.is_none() {
        return Err(patchcore::Error::NoThreshold.into());
    }
    let mut display = Display::new();
    let photos = paths.iter().filter_map(|path| path.as_ref().ok()).collect::<Vec<_>>();
    // An overlay is drawn on the photo, which is decoded once for both.
    let mut scores = match arguments.overlays.is_some() {
        true => model.scores_and_photos(photos, Limits::default()),
        false => model.scores(photos),
    };
    let mut stream = RowStream::new(arguments.format);
    let (mut remarks, mut tally) = (Remarks::default(), Tally::default());
    let mut cancelled = false;
    for (at, (path, files)) in paths.iter().zip(&files).enumerate() {
        let row = match path {
            Err(unread) => Row::failed(path_text(&unread.path), said::of_chain(&unread.error)),
            Ok(_) => {
                let Some(photo) = scores.next() else { break };
                match photo.result {
                    Err(error) => Row::failed(photo.name, said::of(&error)),
                    Ok(score) => {
                        remarks.note(&photo.name, &score.remarks);
                        let written = write_pictures(&model, files, arguments, photo.photo.as_ref(), &score);
                        Row::scored(photo.name, score, files, written)
                    }
                }
            }
        };
        tally.count(&row);
        display.suspend(|| stream.row(&row, Row::line))?;
        if display.show(Progress::new(Stage::Scoring, at + 1, paths.len())).is_break() && at + 1 < paths.len() {
            cancelled = true;
            break;
        }
    }
    display.finish();
    drop(display);
    stream.end()?;
    output::note_threshold(&model);
    output::warn_of(&remarks);
    if cancelled {
        return Err(patchcore::Error::Cancelled { what: "scoring" }.into());
    }
    tally.outcome(arguments.fail_on_anomaly)
}

impl Row {
    fn failed(image_path: String, error: String) -> Self {
        Self {
            image_path,
            score: None,
            verdict: None,
            worst_x: None,
            worst_y: None,
            nearest_good: None,
            nearest_good_bank: None,
            nearest_good_row: None,
            nearest_good_column: None,
            nearest_good_distance: None,
            map_path: None,
            overlay_path: None,
            error: Some(error),
        }
    }

    /// Of a photo with a score, whose pictures were written or not.
    fn scored(image_path: String, score: Score, files: &Files, written: Written) -> Self {
        let path = |file: &Option<PathBuf>| file.as_deref().map(path_text);
        Self {
            image_path,
            score: Some(score.score),
            verdict: score.verdict.map(Verdict::name),
            worst_x: Some(score.worst_at.0),
            worst_y: Some(score.worst_at.1),
            nearest_good_bank: Some(score.nearest_good.member + 1),
            nearest_good_row: score.nearest_good.origin.map(|origin| origin.row),
            nearest_good_column: score.nearest_good.origin.map(|origin| origin.column),
            nearest_good_distance: Some(score.nearest_good.distance),
            nearest_good: score.nearest_good.image,
            map_path: written.map.then(|| path(&files.map)).flatten(),
            overlay_path: written.overlay.then(|| path(&files.overlay)).flatten(),
            error: written.error,
        }
    }

    /// For a reader: one line, whatever the names.
    fn line(&self) -> String {
        let mut line = match self.score {
            Some(score) => {
                let verdict = self.verdict.map(|verdict| format!("{verdict:<9}  ")).unwrap_or_default();
                format!("{score:>10.4}  {verdict}{}", self.image_path)
            }
            None => format!("{:>10}  {}", "error", self.image_path),
        };
        let files: Vec<&str> = [&self.map_path, &self.overlay_path].into_iter().filter_map(Option::as_deref).collect();
        if !files.is_empty() {
            line.push_str(&format!("  -> {}", files.join(", ")));
        }
        if let Some(error) = &self.error {
            line.push_str(&format!(": {error}"));
        }
        one_line(&line)
    }
}

/// What the rows amount to.
#[derive(Default)]
struct Tally {
    rows: usize,
    scored: usize,
    anomalous: bool,
    failed: bool,
    /// The first error, with its photo.
    first: Option<String>,
}

impl Tally {
    fn count(&mut self, row: &Row) {
        self.rows += 1;
        self.scored += usize::from(row.score.is_some());
        self.anomalous |= row.verdict == Some(Verdict::Anomalous.name());
        self.failed |= row.error.is_some();
        if let (None, Some(error)) = (&self.first, &row.error) {
            self.first = Some(if error.contains(&row.image_path) {
                error.clone()
            } else {
                format!("{}: {error}", row.image_path)
            });
        }
    }

    fn outcome(self, fail_on_anomaly: bool) -> anyhow::Result<Outcome> {
        if fail_on_anomaly && self.anomalous {
            return Ok(Outcome::Anomaly);
        }
        match (self.scored, self.first) {
            (0, Some(first)) if self.rows == 1 => anyhow::bail!("nothing could be scored: {first}"),
            (0, Some(first)) => anyhow::bail!("none of {} could be scored; the first: {first}", self.rows),
            _ => Ok(if self.failed { Outcome::SomeImagesFailed } else { Outcome::Done }),
        }
    }
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

/// Folders become the photos in them. One without photos, or that cannot be read, has a row like a photo that cannot.
fn expand(paths: &[PathBuf]) -> Vec<Result<PathBuf, Unread>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(Ok(path.clone()));
            continue;
        }
        match data::photos_in(path) {
            Ok(photos) => files.extend(photos.into_iter().map(Ok)),
            Err(error) => files.push(Err(Unread { path: path.clone(), error })),
        }
    }
    files
}

/// Where the pictures of each photo go, held against all that is read.
fn plan(arguments: &Arguments, paths: &[Result<PathBuf, Unread>]) -> anyhow::Result<Vec<Files>> {
    let photos = paths.iter().filter_map(|path| path.as_deref().ok());
    let others = [Some(arguments.source.model.as_path()), arguments.source.weights.as_deref()];
    let plan = WritePlan::new(arguments.force).reads_photos(photos).reads(others.into_iter().flatten());
    for folder in [&arguments.maps, &arguments.overlays].into_iter().flatten() {
        plan.folder(folder)?;
    }
    let mut names = FileNames::default();
    let files = paths.iter().map(|path| {
        let Ok(path) = path else { return Ok(Files::default()) };
        let name = names.name(path);
        let file = |folder: &Option<PathBuf>, ending: &str, own: OwnFile| {
            let file = folder.as_ref().map(|folder| folder.join(format!("{name}{ending}")));
            file.iter().try_for_each(|file| plan.replaced(file, Kind::Report(own)))?;
            anyhow::Ok(file)
        };
        let format = arguments.map_format;
        Ok(Files {
            map: file(&arguments.maps, format.ending(), format.file())?,
            overlay: file(&arguments.overlays, OVERLAY, OwnFile::Png)?,
        })
    });
    files.collect()
}

/// Writes what is asked for; what cannot be written is said in the photo's row.
fn write_pictures(
    model: &Model,
    files: &Files,
    arguments: &Arguments,
    photo: Option<&Photo>,
    score: &Score,
) -> Written {
    let mut written = Written::default();
    if files.map.is_none() && files.overlay.is_none() {
        return written;
    }
    let geometry = arguments.map_geometry;
    let on_photo = (geometry == MapGeometry::Original).then(|| score.on_photo().map);
    let map = on_photo.as_ref().unwrap_or(&score.map);
    let (width, height) = (map.width as u32, map.height as u32);
    let write_map = |path: &Path| -> anyhow::Result<()> {
        let bytes = match arguments.map_format {
            MapFormat::Npy => to_npy(&map.scores, width, height),
            MapFormat::Tiff => to_float_tiff(&map.scores, width, height),
        };
        Ok(write_beside_and_rename(path, &bytes?)?)
    };
    let write_overlay = |path: &Path| -> anyhow::Result<()> {
        let photo = photo.context("the photo was not kept")?;
        let photo = match geometry {
            MapGeometry::Original => photo.to_rgb8(),
            MapGeometry::Input => model.prepare(photo)?.to_rgb8(),
        };
        let picture = overlay(&photo, &map.scores, width, height, &color_scale(model), contour(model), None)?;
        Ok(write_beside_and_rename(path, &to_png(&picture)?)?)
    };
    let mut errors = Vec::new();
    let mut done = |result: Option<anyhow::Result<()>>| match result {
        Some(Err(error)) => {
            errors.push(said::of_chain(&error));
            false
        }
        result => result.is_some(),
    };
    written.map = done(files.map.as_deref().map(write_map));
    written.overlay = done(files.overlay.as_deref().map(write_overlay));
    written.error = (!errors.is_empty()).then(|| errors.join("; "));
    written
}
