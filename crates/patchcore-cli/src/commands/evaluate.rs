//! `patchcore evaluate`: a labelled test set in; report.html, metrics.json, scores.csv and overlays out, and what a stress test finds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use patchcore::error::MaskFault;
use patchcore::{
    Bootstrap, DataSet, EvaluateOptions, EvaluatedImage, Evaluation, HiddenDefect, Limits, Model, Progress, Stage,
    StagedFile, TestImage, path_text, write_beside_and_rename,
};
use patchcore_report::{Lettering, OwnFile};

use crate::arguments::{Evaluate, MapGeometry};
use crate::command_line::shell_path;
use crate::commands::score::OVERLAY;
use crate::data::{self, Use};
use crate::file_digest::file_sha256;
use crate::interrupt::is_asked;
use crate::lettering::lettering;
use crate::misuse::Misuse;
use crate::outcome::Outcome;
use crate::output;
use crate::output::make_folder;
use crate::pictures::{Scene, verdict_line};
use crate::progress::Display;
use crate::report_evidence::evidence;
use crate::report_page::report_page;
use crate::results::{ReplicatesFile, as_authors, headline, no_aupimo, one_class, scores_csv, summary};
use crate::run_record::{RUN, check_model, run_file, run_note};
use crate::stress;
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Evaluate) -> anyhow::Result<Outcome> {
    let (outcome, is_calibrated) = evaluate(arguments)?;
    let model = shell_path(&arguments.source.model);
    output::next(&match is_calibrated {
        true => format!("patchcore score --model {model} NEW_PHOTO --overlays out"),
        false => format!("patchcore calibrate --model {model} --good HELD_OUT_PHOTOS"),
    });
    Ok(outcome)
}

/// Evaluates, and says whether the model has a threshold of its own; what comes next is left to the caller.
pub fn evaluate(arguments: &Evaluate) -> anyhow::Result<(Outcome, bool)> {
    let source = &arguments.source;
    if let Some(from) = &arguments.from {
        check_model(from, &source.model)?;
    }
    let data = data::open(&arguments.data, Use::Test)?;
    data.labelled()?;
    let lettering = lettering(arguments.font.as_deref())?;
    let started = Instant::now();
    let (model, choice) = crate::device::load_saying_why(source)?;
    let load = started.elapsed();
    check_authors_normalization(arguments, &model)?;
    let places = Places::plan(arguments, &model, &data)?;
    let geometry = match arguments.map_geometry {
        MapGeometry::Input => patchcore::MapGeometry::Input,
        MapGeometry::Original => patchcore::MapGeometry::Photo,
    };
    let mut display = Display::new();
    let options = EvaluateOptions::default()
        .geometry(geometry)
        .min_area(arguments.min_area)
        .progress(|progress| display.show(progress));
    let mut evaluation = model.evaluate(&data, options)?;
    let scoring = display.until(Stage::Scoring);
    if !arguments.no_intervals {
        evaluation.add_intervals_with(&Bootstrap::default(), |progress| display.show(progress))?;
    }
    let metrics = display.elapsed().saturating_sub(scoring);
    drop(display);

    let started = Instant::now();
    let most = arguments.stress_photos as usize;
    let mut stress = arguments.stress.then(|| stress::test(&model, &data, &evaluation, most)).transpose()?;
    let stressing = started.elapsed();

    let mut results = evaluation.results(&model);
    if arguments.authors_normalization {
        let mut display = Display::new();
        let limits = Limits::default();
        let joined = model.authors_normalization(&evaluation, limits, |progress| display.show(progress))?;
        results.authors_normalization = Some(joined);
    }
    results.model.file_sha256 = Some(file_sha256(&source.model)?);
    results.run = Some(run_note(arguments, &model, choice.as_ref()));
    let mut display = Display::new();
    let started = Instant::now();
    if !arguments.no_overlays {
        draw_overlays(&places.overlays, &model, &evaluation, geometry, &lettering, &mut display)?;
    }
    let drawing = started.elapsed();
    let started = Instant::now();
    let report = match arguments.no_report {
        true => None,
        false => {
            // Curves come first, and how many pictures follow is known then.
            let _ = display.show(Progress::new(Stage::Report, 0, 1));
            let title = title(&arguments.data);
            let stress = stress.as_ref().map(|test| &test.results);
            let page = report_page(&title, &arguments.data, &model, &evaluation, &results, stress, scoring);
            let (mut drawn, total) = (0, page.n_cards());
            let html = page.render(&mut |index| {
                let row = evaluation.images.get(index).ok_or("no such image")?;
                drawn += 1;
                match display.show(Progress::new(Stage::Report, drawn, total)) {
                    ControlFlow::Break(()) => Err("cancelled".to_owned()),
                    ControlFlow::Continue(()) => evidence(&model, row, geometry, &arguments.data),
                }
            })?;
            if is_asked() {
                return Err(patchcore::Error::Cancelled { what: "evaluation" }.into());
            }
            Some(html)
        }
    };
    drop(display);
    let stages = [
        ("scoring", scoring),
        ("metrics", metrics),
        ("load", load),
        ("overlays", drawing),
        ("report", started.elapsed()),
    ];
    let stages = stages.into_iter().chain(stress.is_some().then_some(("stress", stressing)));
    results.seconds.extend(stages.map(|(stage, time)| (stage.to_owned(), time.as_secs_f64())));
    if let Some(test) = &mut stress {
        test.results.model.clone_from(&results.model);
        test.results.run.clone_from(&results.run);
        test.results.seconds.clone_from(&results.seconds);
    }
    let run = run_file(&results).map(|file| file.to_json()).transpose()?.map(String::into_bytes);
    let json = results.to_json()?;
    let scores = scores_csv(&evaluation, &places.relative_overlays())?;
    let digest = ReplicatesFile::digest(json.as_bytes(), &scores);
    let pixel = evaluation.pixel_replicates.take();
    let replicates =
        pixel.map(|pixel| serde_json::to_vec(&ReplicatesFile { evaluation_sha256: digest, pixel })).transpose()?;
    let (stress_json, stress_csv) = match &stress {
        Some(test) => (Some(test.results.to_json()?.into_bytes()), Some(stress::csv(&test.results)?)),
        None => (None, None),
    };
    let (report, json) = (report.map(String::into_bytes), json.into_bytes());
    places.write([report, Some(json), Some(scores), run, replicates, stress_json, stress_csv])?;
    output::print(&headline(&results))?;
    output::print(&summary(&results))?;
    output::print(&as_authors(&results))?;
    if let Some(test) = &stress {
        output::print(&format!("\n{}", stress::summary(&test.results)))?;
    }
    output::print(&format!("written to {}\n", arguments.output.display()))?;

    output::note_threshold(&model);
    output::note_stale(&model);
    say(&evaluation, &data);
    if let Some(reason) = no_aupimo(&evaluation) {
        output::note(&reason);
    }
    if let Some(reason) = data.one_class().or_else(|| one_class(&results).map(ToOwned::to_owned)) {
        tracing::warn!("{reason}: image metrics are not defined");
    }
    // What has no mask at all is a test of images alone.
    let stress_failed = stress.is_some_and(|test| {
        output::warn_of_rejected(&test.rejected);
        !test.rejected.is_empty()
    });
    let failed = stress_failed || results.n_failed > 0 || (results.n_without_mask > 0 && data.has_masks());
    let outcome = if failed { Outcome::SomeImagesFailed } else { Outcome::Done };
    Ok((outcome, model.thresholds().image.is_some()))
}

/// Refuses what the authors' code does not do: it joins several members, in the network's input.
fn check_authors_normalization(arguments: &Evaluate, model: &Model) -> anyhow::Result<()> {
    let refused = match (arguments.map_geometry, model.config().members.len()) {
        _ if !arguments.authors_normalization => return Ok(()),
        (MapGeometry::Original, _) => "is measured in the network's input: leave --map-geometry out",
        (_, 1) => "joins several memory banks, and this model has one",
        _ => return Ok(()),
    };
    Err(Misuse(format!("--authors-normalization {refused}")).into())
}

/// What there is to say of photos and masks: what failed, each; what is odd, once.
pub fn say(evaluation: &Evaluation, data: &DataSet) {
    if let Some(remark) = evaluation.masks.remark() {
        output::note(&format!("masks: {remark}"));
    }
    let share = evaluation.masks.share_not_black();
    if share > 0.5 {
        tracing::warn!(
            "the masks call {:.0} % of all pixels defective: if black is what is defective in them, invert them",
            100.0 * share
        );
    }
    let (mut failed, mut without_mask, mut other_masks) = (Vec::new(), Vec::new(), Vec::new());
    for row in &evaluation.images {
        let line = |error| output::naming(&row.image.relative, error);
        failed.extend(row.score.as_ref().err().map(line));
        // Black masks have a line of their own.
        let mask_error = row.mask_error.as_ref().filter(|_| row.hidden.is_none());
        match mask_error {
            Some(error @ patchcore::Error::Mask(MaskFault::Missing { .. })) => without_mask.push(line(error)),
            error => other_masks.extend(error.map(line)),
        }
    }
    output::warn_each("", "photos could not be scored", &failed);
    if data.has_masks() {
        output::warn_each("", "defective photos have no mask", &without_mask);
    } else if !without_mask.is_empty() {
        output::note("the test set has no masks: pixel metrics are not defined");
    }
    output::warn_each("", "defective photos have masks that cannot be used", &other_masks);
    let mut hidden: BTreeMap<&str, Vec<(&EvaluatedImage, HiddenDefect)>> = BTreeMap::new();
    for row in &evaluation.images {
        if let Some(cause) = row.hidden {
            hidden.entry(cause.name()).or_default().push((row, cause));
        }
    }
    hidden.values().for_each(|photos| tracing::warn!("{}", hidden_defects(photos)));
    output::warn_of(&evaluation.remarks());
}

/// One line for the photos whose defects are hidden by one cause.
fn hidden_defects(photos: &[(&EvaluatedImage, HiddenDefect)]) -> String {
    let is_black = photos.iter().any(|(_, cause)| *cause == HiddenDefect::NoDefectivePixel);
    let named = |(row, cause): &(&EvaluatedImage, HiddenDefect)| match is_black {
        true => row.image.relative.clone(),
        false => format!("{} ({cause})", row.image.relative),
    };
    let mut names = photos.iter().take(NAMED).map(named).collect::<Vec<String>>().join(", ");
    if photos.len() > NAMED {
        names.push_str(&format!(" and {} more", photos.len() - NAMED));
    }
    let (photo, has, shows, counts) = match photos.len() {
        1 => ("photo", "has a mask", "shows", "it counts"),
        _ => ("photos", "have masks", "show", "they count"),
    };
    let count = photos.len();
    if is_black {
        return format!(
            "{count} defective {photo} {has} without a defective pixel, black everywhere: {names}; {counts} for the image metrics \
             only; draw the defects, or move the photos to the good ones"
        );
    }
    format!(
        "{count} defective {photo} {shows} no defective pixel: {names}; {counts} for the image metrics, and for the pixel metrics \
         as free of defects"
    )
}

/// Photos that a line names, at most.
const NAMED: usize = 3;

/// The category's name: the last part of its folder.
fn title(data: &Path) -> String {
    let folder = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    folder.file_name().map_or_else(|| "test set".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Where everything goes.
struct Places {
    plan: WritePlan,
    output: PathBuf,
    /// Of each photo of the test set, in its order; empty where no overlays are drawn.
    overlays: Vec<PathBuf>,
}

impl Places {
    const REPORT: (&str, Kind) = ("report.html", Kind::Report(OwnFile::Evaluation));
    const METRICS: (&str, Kind) = ("metrics.json", Kind::Metrics);
    const SCORES: (&str, Kind) = ("scores.csv", Kind::Scores);
    const RUN: (&str, Kind) = (RUN, Kind::Run);
    const REPLICATES: (&str, Kind) = (ReplicatesFile::NAME, Kind::Replicates);
    const STRESS: (&str, Kind) = ("stress.json", Kind::Stress);
    const STRESS_TABLE: (&str, Kind) = ("stress.csv", Kind::StressTable);
    /// In the order in which they take their places.
    const FILES: [(&str, Kind); 7] =
        [Self::REPORT, Self::METRICS, Self::SCORES, Self::RUN, Self::REPLICATES, Self::STRESS, Self::STRESS_TABLE];

    /// Finds out that all can be written, and that nothing of it is read or somebody else's.
    fn plan(arguments: &Evaluate, model: &Model, data: &DataSet) -> anyhow::Result<Self> {
        let source = &arguments.source;
        let trained_on = model.training_files();
        let others = [Some(source.model.as_path()), arguments.font.as_deref(), arguments.from.as_deref()];
        let plan = WritePlan::new(arguments.force)
            .reads_set(data)
            .reads_photos(trained_on.iter().map(PathBuf::as_path))
            .reads(others.into_iter().flatten())
            .reads(source.weights_paths());
        let output = arguments.output.clone();
        plan.folder(&output)?;
        for (name, kind) in Self::FILES {
            plan.replaced(&output.join(name), kind)?;
            patchcore::check_place(&output.join(name))?;
        }
        let mut overlays = Vec::new();
        if !arguments.no_overlays {
            let folder = output.join(OVERLAYS);
            let mut names = OverlayNames::default();
            overlays = data.test.iter().map(|image| folder.join(names.name(image))).collect();
            make_folder(&folder)?;
            let folders: BTreeSet<&Path> = overlays.iter().filter_map(|file| file.parent()).collect();
            folders.into_iter().filter(|folder| folder.exists()).try_for_each(|folder| plan.folder(folder))?;
            overlays.iter().try_for_each(|file| plan.replaced(file, Kind::Report(OwnFile::Png)))?;
        }
        Ok(Self { plan, output, overlays })
    }

    /// The overlays' places as seen from the folder.
    fn relative_overlays(&self) -> Vec<PathBuf> {
        let inside = |file: &PathBuf| file.strip_prefix(&self.output).unwrap_or(file).to_owned();
        self.overlays.iter().map(inside).collect()
    }

    /// Replaces what an earlier evaluation has left: everything lies beside it, whole, before the first file takes its place, and
    /// the report comes first, so that no older one stands beside newer metrics. What is not written now goes.
    fn write(&self, contents: [Option<Vec<u8>>; 7]) -> anyhow::Result<()> {
        let mut staged = Vec::new();
        for ((name, kind), bytes) in Self::FILES.iter().zip(&contents) {
            let path = self.output.join(name);
            staged.push((bytes.as_deref().map(|bytes| StagedFile::new(&path, bytes)).transpose()?, name, kind));
        }
        for (file, name, kind) in staged {
            match file {
                Some(file) => file.commit()?,
                None => self.plan.clear(&self.output, name, *kind, &|path| path.file_name() != Some(OsStr::new(name))),
            }
        }
        self.clear_overlays();
        Ok(())
    }

    /// Removes the overlays of an earlier evaluation, of kinds and photos that are not in this one.
    fn clear_overlays(&self) {
        let drawn: HashSet<&Path> = self.overlays.iter().map(PathBuf::as_path).collect();
        let folders = std::fs::read_dir(self.output.join(OVERLAYS)).into_iter().flatten().flatten();
        for folder in folders.map(|entry| entry.path()).filter(|path| path.is_dir()) {
            self.plan.clear(&folder, OVERLAY, Kind::Report(OwnFile::Png), &|path| drawn.contains(path));
            // Only an empty one goes.
            let _ = std::fs::remove_dir(&folder);
        }
        let _ = std::fs::remove_dir(self.output.join(OVERLAYS));
    }
}

/// The folder of overlays in an evaluation's.
const OVERLAYS: &str = "overlays";

/// One panel per scored image: photo, heat map, truth, all on the model's one colour scale.
fn draw_overlays(
    files: &[PathBuf],
    model: &Model,
    evaluation: &Evaluation,
    geometry: patchcore::MapGeometry,
    lettering: &Lettering,
    display: &mut Display,
) -> anyhow::Result<()> {
    // The evaluation has the photos of the test set, in its order.
    let drawn: Vec<_> = evaluation.images.iter().zip(files).filter(|(row, _)| row.map.is_some()).collect();
    for (at, (row, file)) in drawn.iter().enumerate() {
        if display.show(Progress::new(Stage::Overlays, at, drawn.len())).is_break() {
            return Err(patchcore::Error::Cancelled { what: "evaluation" }.into());
        }
        file.parent().map_or(Ok(()), make_folder)?;
        draw_overlay(file, model, row, geometry, lettering)
            .with_context(|| format!("cannot draw {}", row.image.relative))?;
    }
    // All are drawn: nothing is left to stop.
    let _ = display.show(Progress::new(Stage::Overlays, drawn.len(), drawn.len()));
    Ok(())
}

/// Files of overlays: `<kind>/<photo>.overlay.png`; where that is taken, with the photo's folders or a number in front.
#[derive(Default)]
struct OverlayNames(HashSet<PathBuf>);

impl OverlayNames {
    fn name(&mut self, image: &TestImage) -> PathBuf {
        // The extension stays in the name: 000.png and 000.jpg may lie side by side.
        let name = path_text(Path::new(image.path.file_name().unwrap_or_default()));
        let folders = || std::iter::once(plain(&image.relative));
        let numbered = (2..).map(|number| format!("{number}_{name}"));
        let kind = PathBuf::from(plain(&image.kind));
        let mut candidates = std::iter::once(name.clone()).chain(folders()).chain(numbered);
        // The chain is endless: one of the numbers is free.
        let free = candidates.find(|name| !self.0.contains(&kind.join(name))).unwrap_or_default();
        self.0.insert(kind.join(&free));
        kind.join(format!("{free}{OVERLAY}"))
    }
}

/// A kind or path as the name of one file or folder: a manifest may call a kind `a/b` or `..`.
fn plain(text: &str) -> String {
    let is_odd = |c: char| std::path::is_separator(c) || c.is_control() || (cfg!(windows) && c == ':');
    let name: String = text.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    if name.is_empty() || name.chars().all(|c| c == '.') { format!("_{name}") } else { name }
}

fn draw_overlay(
    file: &Path,
    model: &Model,
    row: &EvaluatedImage,
    geometry: patchcore::MapGeometry,
    lettering: &Lettering,
) -> anyhow::Result<()> {
    let (Some(map), Some(worst), Ok(score)) = (&row.map, &row.worst, &row.score) else { return Ok(()) };
    let photo = model.open_photo(&row.image.path, &Limits::default())?;
    let verdict = verdict_line(*score, row.verdict, model.thresholds().image);
    let scene = Scene {
        photo: &photo,
        map,
        inside: row.inside.as_deref(),
        truth: row.truth.as_deref(),
        geometry: (geometry == patchcore::MapGeometry::Input).then_some(&worst.geometry),
        regions: &row.regions,
        title: &format!("{}  {verdict}", row.image.relative),
    };
    Ok(write_beside_and_rename(file, &scene.png(model, lettering)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_leaves_the_folder_of_overlays() {
        for (kind, name) in
            [("crack", "crack"), ("a/b", "a_b"), ("..", "_.."), ("", "_"), ("../../x", ".._.._x"), ("a\nb", "a_b")]
        {
            assert_eq!(plain(kind), name);
        }
    }
}
