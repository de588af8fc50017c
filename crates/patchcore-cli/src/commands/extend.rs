//! `patchcore extend`: photos of good parts into a model that is there.

use anyhow::Context;
use patchcore::{ExtendOptions, Model, ThresholdFate};

use crate::arguments::Extend;
use crate::command_line::shell_path;
use crate::coverage_words;
use crate::data::{self, Use};
use crate::in_words::{banks, counted, per_bank};
use crate::model_target::{save_like, target};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::recalibration::Promises;
use crate::utc;
use crate::write_plan::WritePlan;

pub fn run(arguments: &Extend) -> anyhow::Result<Outcome> {
    let data = data::open(&arguments.data, Use::Good)?;
    let files = data.training()?;
    let held_out = arguments.calibrate_again.as_deref().map(|path| data::open(path, Use::Good)).transpose()?;
    let calibrating = match &held_out {
        Some(set) if set.validation.is_empty() => Some(set.training()?),
        Some(set) => Some(set.validation.as_slice()),
        None => None,
    };
    let plan = WritePlan::new(arguments.force).reads_set(&data).reads(arguments.loading.weights_paths());
    let plan = held_out.iter().fold(plan, WritePlan::reads_set);
    let path = &arguments.model;
    let target = target(plan, path, arguments.output.as_deref(), arguments.force)?;
    let save = save_like([path.as_path()])?;
    let model = crate::device::load_file(path, &arguments.loading)?;
    let promises = Promises::of(&model, arguments.fpr);
    calibrating.iter().try_for_each(|photos| promises.check(photos.len()))?;

    let mut display = Display::new();
    let mut options = ExtendOptions::default().progress(|progress| display.show(progress));
    if !arguments.reproducible {
        options = options.date(utc::now());
    }
    if let Some(rows) = arguments.bank_rows {
        options = options.bank_rows(rows);
    }
    if let Some(ratio) = arguments.coreset_sampling_ratio {
        options = options.ratio(ratio);
    }
    if let Some(radius) = arguments.coverage {
        options = options.coverage(radius);
    }
    let report = model
        .extend(files, options)
        .with_context(|| format!("cannot extend {} by {}", path.display(), arguments.data.display()))?;
    display.finish();
    drop(display);
    output::warn_of_rejected(&report.rejected);
    output::warn_of(&report.remarks);
    let mut some_failed = !report.rejected.is_empty();
    let mut text = format!(
        "{}: {} added to {}, {} it had already; {} rows added, {}\n",
        target.display(),
        counted(report.added, "photo"),
        model.fitted_on().images,
        report.already.len(),
        per_bank(&report.rows_added),
        banks(&report.model)
    );
    text.push_str(&coverage_words::changed(&report.coverage_before, &report.coverage_after));
    let mut changed = if arguments.reproducible { report.model.reproducible() } else { report.model };
    match calibrating {
        Some(photos) => {
            let (calibrated, lines, calibration) = promises.keep(changed, photos)?;
            some_failed |= !calibration.rejected.is_empty();
            changed = calibrated;
            text.push_str(&lines);
        }
        None => text.push_str(&format!("{}\n", report.thresholds)),
    }
    // What nothing was added to and nothing was calibrated for stays as it is, to the byte.
    if report.added > 0 || calibrating.is_some() || target != path {
        changed.save(target, save)?;
    }
    output::print(&text)?;
    say_next(arguments, &changed, report.thresholds);
    Ok(if some_failed { Outcome::SomeImagesFailed } else { Outcome::Done })
}

fn say_next(arguments: &Extend, model: &Model, fate: ThresholdFate) {
    let shown = shell_path(arguments.output.as_deref().unwrap_or(&arguments.model));
    output::next(&match (model.thresholds().image, fate) {
        (None, _) => format!("patchcore calibrate --model {shown} --good HELD_OUT_PHOTOS"),
        (Some(_), _) if arguments.output.is_some() => {
            format!("patchcore diff {} {shown} --data PHOTOS", shell_path(&arguments.model))
        }
        (Some(_), _) => format!("patchcore score --model {shown} NEW_PHOTO --overlays out"),
    });
}
