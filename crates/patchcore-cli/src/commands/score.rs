//! `patchcore score`: photos in, one score a line out, each as soon as it is there; heat maps and raw maps on request.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use patchcore::{
    DefectRegion, Geometry, Limits, Model, Photo, Progress, Remarks, Score, Stage, Threshold, Thresholds, Verdict,
    path_of_text, path_text, write_beside_and_rename,
};
use patchcore_report::{Lettering, OwnFile, Pair, to_float_tiff, to_npy, to_png};

use crate::arguments::{Format, MapFormat, MapGeometry, Score as Arguments};
use crate::command_line::shell_path;
use crate::data;
use crate::file_digest::file_sha256;
use crate::file_names::FileNames;
use crate::lettering::lettering;
use crate::outcome::Outcome;
use crate::output;
use crate::pictures::{Scene, verdict_line};
use crate::progress::Display;
use crate::report_evidence::boxed;
use crate::row_stream::RowStream;
use crate::said;
use crate::score_rows::{Files, RegionRow, Row, RowWithRegions, Tally, Written};
use crate::write_plan::{Kind, WritePlan};

/// How overlays end; folders of photos leave such files out.
pub const OVERLAY: &str = ".overlay.png";
/// How pictures that explain a score end.
pub const EXPLANATION: &str = ".explained.png";

/// A path that no photos could be got from.
struct Unread {
    path: PathBuf,
    error: anyhow::Error,
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
    let digest = file_sha256(&source.model)?;
    if let Some(value) = arguments.threshold {
        // A second threshold of the model stays as long as it is the lower one.
        let look_again = model.thresholds().look_again.filter(|lower| lower.value <= value);
        let image = Some(Threshold::manual(value));
        let thresholds = Thresholds { image, look_again, confidence_scale: None, ..model.thresholds() };
        model = model.with_thresholds(thresholds)?;
    }
    if arguments.allow_stale_threshold {
        model = model.with_stale_thresholds_allowed();
    }
    let needs_threshold = arguments.fail_on_anomaly || arguments.explain.is_some();
    if needs_threshold && model.thresholds().image.is_none() {
        if let Some(stale) = model.stale_thresholds() {
            let (model, stale) = (source.model.display(), output::stale(stale));
            anyhow::bail!(
                "{model}: {stale}; calibrate again, or judge by it all the same with --allow-stale-threshold"
            );
        }
        return Err(patchcore::Error::NoThreshold.into());
    }
    if arguments.interval && model.coverage().is_empty() {
        anyhow::bail!(
            "{}: the coverage of its memory banks is not known, so there are no intervals; fit again to have it measured",
            source.model.display()
        );
    }
    let mut display = Display::new();
    let started = Instant::now();
    let photos = paths.iter().filter_map(|path| path.as_ref().ok()).collect::<Vec<_>>();
    let lettering = lettering(arguments.font.as_deref())?;
    // Pictures are drawn of the photo, which is decoded once for both.
    let mut scores = match arguments.overlays.is_some() || arguments.explain.is_some() {
        true => model.scores_and_photos(photos, Limits::default()),
        false => model.scores(photos),
    };
    let mut stream = RowStream::new(arguments.format);
    let (mut remarks, mut tally) = (Remarks::default(), Tally::default());
    let (mut cancelled, mut lacks_interval) = (false, false);
    for (at, (path, files)) in paths.iter().zip(&files).enumerate() {
        let mut regions = Vec::new();
        let mut interval = None;
        let row = match path {
            Err(unread) => Row::failed(path_text(&unread.path), &digest, said::of_chain(&unread.error)),
            Ok(_) => {
                let Some(photo) = scores.next() else { break };
                match photo.result {
                    Err(error) => Row::failed(photo.name, &digest, said::of(&error)),
                    Ok(score) => {
                        remarks.note(&photo.name, &score.remarks);
                        regions = model.regions(&score, arguments.min_area);
                        let scored =
                            Scored { model: &model, photo: photo.photo.as_ref(), score: &score, regions: &regions };
                        let written = scored.write(files, arguments, &lettering);
                        interval = model.score_interval(&score).filter(|_| arguments.interval);
                        Row::scored(photo.name, (&model, &digest), score, &regions, files, written)
                    }
                }
            }
        };
        lacks_interval |= interval.is_none() && row.score.is_some();
        let row = if arguments.interval { row.with_interval(interval) } else { row };
        tally.count(&row);
        let regions = regions.into_iter().map(RegionRow::from).collect();
        display.suspend(|| match arguments.format {
            Format::Json | Format::Jsonl => {
                stream.row(&RowWithRegions { row: &row, regions }, |with_regions| with_regions.row.line())
            }
            Format::Csv | Format::Table => stream.row(&row, Row::line),
        })?;
        if display.show(Progress::new(Stage::Scoring, at + 1, paths.len())).is_break() && at + 1 < paths.len() {
            cancelled = true;
            break;
        }
    }
    display.finish();
    drop(display);
    stream.end()?;
    note_speed(tally.scored, started.elapsed());
    if arguments.interval && lacks_interval {
        output::note(
            "patches of this model are scored by several neighbours, of which the coverage says nothing: no interval",
        );
    }
    match model.stale_thresholds() {
        Some(stale) if model.thresholds().image.is_some() => {
            output::note(&format!("{}: judged by them all the same, which promises nothing", output::stale(stale)));
        }
        Some(_) => output::note_stale(&model),
        None => output::note_threshold(&model),
    }
    output::warn_of(&remarks);
    if cancelled {
        return Err(patchcore::Error::Cancelled { what: "scoring" }.into());
    }
    let flagged = tally.flagged.take();
    let outcome = tally.outcome(arguments.fail_on_anomaly)?;
    let shown = shell_path(&source.model);
    output::next(&match (model.thresholds().image, flagged) {
        (None, _) => {
            if model.stale_thresholds().is_none() {
                output::note(&what_good_patches_reach(&model));
            }
            format!("patchcore calibrate --model {shown} --good HELD_OUT_PHOTOS")
        }
        (Some(_), Some(photo)) if arguments.explain.is_none() => {
            let allowed = if arguments.allow_stale_threshold { " --allow-stale-threshold" } else { "" };
            let threshold = arguments.threshold.map_or(allowed.to_owned(), |value| format!(" --threshold {value}"));
            format!("patchcore score --model {shown} {} --explain why{threshold}", shell_path(&path_of_text(&photo)))
        }
        (Some(_), _) => format!("patchcore evaluate --model {shown} --data TEST_SET -o results"),
    });
    Ok(outcome)
}

/// Fewer photos say little of a speed: the first ones of a program take longer.
const A_FEW: usize = 10;

/// How fast the whole program was, from the first file to the last row.
fn note_speed(photos: usize, time: Duration) {
    if photos >= A_FEW {
        let seconds = time.as_secs_f64();
        let rate = photos as f64 / seconds.max(f64::MIN_POSITIVE);
        output::note(&format!("{photos} photos in {seconds:.1} s, {rate:.1} a second: decoded, scored and written"));
    }
}

/// What a score without a threshold can be held against.
fn what_good_patches_reach(model: &Model) -> String {
    let fitted_on = model.fitted_on();
    if !fitted_on.is_known() {
        return "the model has no threshold, so there are no verdicts: see `patchcore calibrate`".to_owned();
    }
    let good = fitted_on.good_scores;
    format!(
        "the model has no threshold, so there are no verdicts; to compare with: patches of good parts score {:.4} in the median and {:.4} \
         at the 99th percentile",
        good.median, good.percentile_99
    )
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
    let source = &arguments.source;
    let plan = WritePlan::new(arguments.force).reads_photos(photos).reads([source.model.as_path()]);
    let plan = plan.reads(source.weights_paths());
    for folder in [&arguments.maps, &arguments.overlays, &arguments.explain].into_iter().flatten() {
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
            explanation: file(&arguments.explain, EXPLANATION, OwnFile::Png)?,
        })
    });
    files.collect()
}

/// A photo that was scored, with what its pictures need.
struct Scored<'a> {
    model: &'a Model,
    photo: Option<&'a Photo>,
    score: &'a Score,
    regions: &'a [DefectRegion],
}

impl Scored<'_> {
    /// Writes what is asked for; what cannot be written is said in the photo's row.
    fn write(&self, files: &Files, arguments: &Arguments, lettering: &Lettering) -> Written {
        let mut errors = Vec::new();
        let mut done = |result: Option<anyhow::Result<()>>| match result {
            Some(Err(error)) => {
                errors.push(said::of_chain(&error));
                false
            }
            result => result.is_some(),
        };
        let is_flagged = self.score.verdict.is_some_and(|verdict| verdict != Verdict::Good);
        let explanation = files.explanation.as_deref().filter(|_| is_flagged);
        if let (None, Some(old)) = (explanation, &files.explanation) {
            // What an earlier run has explained is good now.
            if Kind::Report(OwnFile::Png).made(old).unwrap_or(false) {
                let _ = std::fs::remove_file(old);
            }
        }
        Written {
            map: done(files.map.as_deref().map(|path| self.write_map(path, arguments))),
            overlay: done(files.overlay.as_deref().map(|path| self.write_overlay(path, lettering))),
            explanation: done(explanation.map(|path| self.explain(path, lettering))),
            error: (!errors.is_empty()).then(|| errors.join("; ")),
        }
    }

    fn write_map(&self, path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
        let on_photo = (arguments.map_geometry == MapGeometry::Original).then(|| self.score.on_photo().map);
        let map = on_photo.as_ref().unwrap_or(&self.score.map);
        let (width, height) = (map.width as u32, map.height as u32);
        let bytes = match arguments.map_format {
            MapFormat::Npy => to_npy(&map.scores, width, height),
            MapFormat::Tiff => to_float_tiff(&map.scores, width, height),
        };
        Ok(write_beside_and_rename(path, &bytes?)?)
    }

    fn write_overlay(&self, path: &Path, lettering: &Lettering) -> anyhow::Result<()> {
        let photo = self.photo.context("the photo was not kept")?;
        let score = self.score;
        let scene = Scene {
            photo,
            map: &score.map,
            inside: score.inside.as_deref(),
            truth: None,
            geometry: Some(&score.geometry),
            regions: self.regions,
            title: &format!("{}  {}", file_name(photo.name()), self.verdict()),
        };
        Ok(write_beside_and_rename(path, &scene.png(self.model, lettering)?)?)
    }

    fn verdict(&self) -> String {
        verdict_line(self.score.score, self.score.verdict, self.model.thresholds().image)
    }

    /// The worst place beside the good patch that is nearest to it.
    fn explain(&self, path: &Path, lettering: &Lettering) -> anyhow::Result<()> {
        let photo = self.photo.context("the photo was not kept")?;
        let (at, nearest) = (self.score.worst_at, &self.score.nearest_good);
        let other = self.model.open_nearest(nearest, &Limits::default());
        let right = match (&other, &nearest.image) {
            (Ok(found), Some(image)) => {
                let small = if found.is_thumbnail { " (small, from the model)" } else { "" };
                format!("nearest good: {}{small}", file_name(image))
            }
            (Err(error), _) => format!("nearest good: {error}"),
            (Ok(_), None) => "nearest good".to_owned(),
        };
        let member = nearest.member;
        let crop = |photo: &Photo, at, geometry: &Geometry| boxed(self.model, &photo.to_rgb8(), at, geometry, member);
        let found = other.as_ref().ok().map(|other| crop(&other.photo, other.at, &other.geometry));
        let pair = Pair {
            title: &format!("{}, distance {:.4}", self.verdict(), nearest.distance),
            left: (&file_name(photo.name()), &crop(photo, at, &self.score.geometry)),
            right: (&right, found.as_ref()),
            lettering,
        };
        Ok(write_beside_and_rename(path, &to_png(&pair.render())?)?)
    }
}

/// The last part of a photo's name.
fn file_name(name: &str) -> String {
    path_text(Path::new(path_of_text(name).file_name().unwrap_or_default()))
}
