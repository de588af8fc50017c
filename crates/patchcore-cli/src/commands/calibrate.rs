//! `patchcore calibrate`: photos of good parts in, thresholds with a promise into the model file.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use patchcore::error::CalibrationError;
use patchcore::metrics::threshold::{rank_of, strongest_promise};
use patchcore::{
    CalibrateOptions, CalibrationReport, EvaluateOptions, GoodScore, Model, Threshold, ThresholdOrigin, Thresholds,
    path_of_text, path_text, store_thresholds, write_beside_and_rename,
};
use patchcore_report::{CertificatePage, CertifiedPhoto, Fact, OwnFile};

use crate::arguments::Calibrate;
use crate::command_line::{command_line, shell_path};
use crate::data::{self, Use};
use crate::file_digest::{file_sha256, hex};
use crate::misuse::Misuse;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::report_page::configuration;
use crate::utc;
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Calibrate) -> anyhow::Result<Outcome> {
    let source = &arguments.source;
    let mut outcome = Outcome::Done;
    let mut calibrated = None;
    let (thresholds, old) = match (&arguments.good, arguments.manual, &arguments.data) {
        (Some(good), ..) => {
            let calibrated = calibrated.insert(from_good_photos(arguments, good)?);
            (calibrated.thresholds, calibrated.model.thresholds())
        }
        (None, Some(value), _) => {
            WritePlan::new(arguments.force).changed(&source.model)?;
            let old = Model::read(&source.model)?.sections.thresholds.unwrap_or_default();
            let pixel = arguments.manual_pixel.map(Threshold::manual).or(old.pixel);
            let look_again = arguments.manual_look_again.map(Threshold::manual);
            (Thresholds { image: Some(Threshold::manual(value)), pixel, look_again, confidence_scale: None }, old)
        }
        (None, None, Some(data)) => {
            let data = data::open(data, Use::Test)?;
            data.labelled()?;
            if let Some(reason) = data.one_class() {
                anyhow::bail!("the largest F1 needs good photos and defective ones: {reason}");
            }
            let plan = WritePlan::new(arguments.force).reads_set(&data).reads(source.weights_paths());
            plan.changed(&source.model)?;
            let model = crate::device::load(source)?;
            let mut display = Display::new();
            let options = EvaluateOptions::default().progress(|progress| display.show(progress));
            let evaluation = model.evaluate(&data, options)?;
            display.finish();
            drop(display);
            crate::commands::evaluate::say(&evaluation, &data);
            (evaluation.f1_max_thresholds()?, model.thresholds())
        }
        (None, None, None) => anyhow::bail!("nothing to calibrate from: give --good, --manual or --f1-max"),
    };
    store_thresholds(&source.model, thresholds)?;
    if let (Some(Threshold { value, .. }), None) = (old.look_again, thresholds.look_again) {
        output::note(&format!(
            "the look-again threshold {value} is gone: give --look-again-fpr beside --good, or --manual-look-again beside --manual"
        ));
    }
    let mut text = String::new();
    for (name, Threshold { value, origin }) in thresholds.named() {
        text.push_str(&format!("{name} threshold {value}: {origin}; {}\n", origin.holds_until()));
    }
    text.push_str(&format!("stored in {}\n", source.model.display()));
    if let Some(Calibrated { report, model, .. }) = &calibrated {
        if !report.rejected.is_empty() {
            outcome = Outcome::SomeImagesFailed;
        }
        if let Some(page) = &arguments.certificate {
            write_beside_and_rename(page, certificate(&source.model, model, report, thresholds)?.render()?.as_bytes())?;
            text.push_str(&format!("certificate written to {}\n", page.display()));
        }
    }
    output::print(&text)?;
    output::next(&format!("patchcore score --model {} NEW_PHOTO --overlays out", shell_path(&source.model)));
    Ok(outcome)
}

/// What a calibration gives.
struct Calibrated {
    thresholds: Thresholds,
    report: CalibrationReport,
    model: Model,
}

/// The page of the threshold that now stands in the file of the model.
fn certificate(
    path: &Path,
    model: &Model,
    report: &CalibrationReport,
    thresholds: Thresholds,
) -> anyhow::Result<CertificatePage> {
    let Some(Threshold { value, origin: ThresholdOrigin::Calibrated(calibration) }) = thresholds.image else {
        anyhow::bail!(
            "a threshold without a calibration promises nothing that could be certified: calibrate on good photos"
        );
    };
    // The photos of a cross-fit are the model's own.
    let known: HashMap<&str, [u8; 32]> =
        model.training_photos().iter().filter_map(|photo| Some((photo.name.as_str(), photo.sha256?))).collect();
    let digest = |photo: &GoodScore| photo.sha256.or_else(|| known.get(photo.image.as_str()).copied());
    let photo = |photo: &GoodScore| CertifiedPhoto {
        path: photo.image.clone(),
        score: photo.score,
        sha256: digest(photo).map(|digest| hex(&digest)),
    };
    Ok(CertificatePage {
        title: path.file_name().map_or_else(|| path_text(path), |name| path_text(Path::new(name))),
        model_sha256: file_sha256(path)?,
        threshold: value,
        calibration,
        pixel_threshold: thresholds.pixel.map(|pixel| pixel.value),
        look_again: thresholds.look_again,
        photos: report.scores.iter().map(photo).collect(),
        n_rejected: report.rejected.len(),
        model: configuration(model),
        made: vec![
            Fact::new("model file", path_text(path)),
            Fact::new("written", utc::now()),
            Fact::new("program", format!("patchcore {}", env!("CARGO_PKG_VERSION"))),
            Fact::new("command line", command_line().join(" ")),
        ],
    })
}

/// Says which photos decide: those above the threshold, those that may not be good, and those that the fit does not cover.
fn look_at(report: &CalibrationReport, thresholds: Thresholds) {
    let count = report.scores.len();
    let above = thresholds.image.map(|threshold| report.above(threshold.value)).unwrap_or_default();
    if !above.is_empty() {
        output::note(&format!("above the image threshold, as it may be: {}", named(&above)));
    }
    let odd = report.outliers();
    if !odd.is_empty() {
        let next = report.above(f32::NEG_INFINITY).get(odd.len()).map(|photo| photo.score);
        let next = next.map(|score| format!("; the next score is {score:.4}")).unwrap_or_default();
        tracing::warn!(
            "the largest scores stand apart from all others, as one in twenty sets of good parts has it at most: {}{next}. Look at them: a \
             defective part among those that calibrate hides its like; if it is one, take it out and calibrate again",
            named(&odd)
        );
    }
    if report.uncovered > 0 {
        tracing::warn!(
            "{} of {count} photos are farther from the photos of the fit than those are from each other: the fit does not cover what is \
             normal, and a threshold above such photos hides defects; fit on more photos, of all that is normal",
            report.uncovered
        );
    }
}

/// Photos with their scores; the first few of many.
fn named(photos: &[&GoodScore]) -> String {
    let each = |photo: &&GoodScore| format!("{} ({:.4})", path_of_text(&photo.image).display(), photo.score);
    let mut names = photos.iter().take(NAMED).map(each).collect::<Vec<String>>().join(", ");
    if photos.len() > NAMED {
        names.push_str(&format!(" and {} more", photos.len() - NAMED));
    }
    names
}

/// The rate that is promised of held-out photos, unless another one is asked for.
const FPR: f64 = 0.01;

/// Photos that a line names, at most.
const NAMED: usize = 5;

/// Says before photos are scored what so many cannot support; `asked`: the rate of the image threshold, `None` for the smallest that they
/// support.
fn check_rates(arguments: &Calibrate, asked: Option<f64>, photos: usize) -> anyhow::Result<()> {
    let (lower, confidence) = (arguments.look_again_fpr, arguments.confidence);
    if let (Some(rate), Some(lower)) = (asked, lower)
        && lower < rate
    {
        let default = if arguments.fpr.is_none() { ", the default" } else { "" };
        anyhow::bail!(Misuse(format!(
            "--look-again-fpr {lower} is below --fpr {rate}{default}: more good parts are looked at again than are called anomalous; give a \
             larger share"
        )));
    }
    match asked {
        Some(fpr) => rank_of(photos, fpr, confidence).map(drop)?,
        None => strongest_promise(photos, confidence).map(drop)?,
    }
    match lower.map(|lower| (lower, rank_of(photos, lower, confidence))) {
        Some((_, Err(CalibrationError::OutOfRange { value, example, .. }))) => anyhow::bail!(Misuse(format!(
            "--look-again-fpr is {value:?}, expected a number above 0 and below 1, for example {example}"
        ))),
        Some((lower, Err(error))) => Err(error).with_context(|| format!("--look-again-fpr {lower}")),
        _ => Ok(()),
    }
}

/// Thresholds from photos of good parts.
fn from_good_photos(arguments: &Calibrate, good: &Path) -> anyhow::Result<Calibrated> {
    let source = &arguments.source;
    let data = data::open(good, Use::Good)?;
    // What a data set holds out of the fit is what calibrates; a cross-fit fits anew.
    let held_out = arguments.cross_fit.is_none() && !data.validation.is_empty();
    let files = if held_out { &data.validation } else { data.training()? };
    if held_out {
        output::note(&format!("{} validation photos of {}", files.len(), good.display()));
    }
    let asked = arguments.fpr.or_else(|| arguments.cross_fit.is_none().then_some(FPR));
    check_rates(arguments, asked, files.len())?;
    let plan = WritePlan::new(arguments.force).reads_set(&data).reads(source.weights_paths());
    plan.changed(&source.model)?;
    if let Some(page) = &arguments.certificate {
        plan.reads([source.model.as_path()]).file(page, Kind::Report(OwnFile::Certificate))?;
    }
    let model = crate::device::load(source)?;
    output::note_unknown_photos(&model);
    let mut display = Display::new();
    let mut options = CalibrateOptions::default().progress(|progress| display.show(progress));
    if let Some(folds) = arguments.cross_fit {
        options = options.cross_fit(folds);
    }
    let report = model.calibrate(files, options).with_context(|| format!("cannot calibrate on {}", good.display()))?;
    display.finish();
    drop(display);
    output::warn_of_rejected(&report.rejected);
    output::warn_of(&report.remarks);
    if arguments.cross_fit.is_some() {
        output::note(
            "a cross-fit is an estimate: its scores come from models fitted on fewer photos, so the threshold is as a \
             rule too high rather than too low; photos held out of the fit give a promise",
        );
    }
    let fpr = match asked {
        Some(fpr) => fpr,
        None => {
            let (count, fpr) = (report.scores.len(), strongest_promise(report.scores.len(), arguments.confidence)?);
            let percent = (fpr * 1e4).round() / 1e2;
            output::note(&format!(
                "the strongest promise that {count} photos support: at most {percent} % false alarms; --fpr asks for another one"
            ));
            fpr
        }
    };
    let look_again = arguments.look_again_fpr.map(|rate| report.look_again(rate, arguments.confidence)).transpose()?;
    let thresholds = Thresholds { look_again, ..report.thresholds(fpr, arguments.confidence)? };
    look_at(&report, thresholds);
    Ok(Calibrated { thresholds, report, model })
}
