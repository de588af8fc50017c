//! `patchcore forget`: photos out of a model that was fitted on them.

use anyhow::Context;
use patchcore::ForgetOptions;

use crate::arguments::Forget;
use crate::command_line::shell_path;
use crate::coverage_words;
use crate::data::{self, Use};
use crate::in_words::{banks, counted, per_bank};
use crate::model_target::{save_like, target};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::utc;
use crate::write_plan::WritePlan;

/// Photos that a line names, at most.
const NAMED: usize = 5;

pub fn run(arguments: &Forget) -> anyhow::Result<Outcome> {
    let data = arguments.data.as_deref().map(|path| data::open(path, Use::Good)).transpose()?;
    let files = data.as_ref().map(|data| data.training()).transpose()?;
    let plan = WritePlan::new(arguments.force).reads(arguments.loading.weights_paths());
    let plan = data.iter().fold(plan, WritePlan::reads_set);
    let path = &arguments.model;
    let target = target(plan, path, arguments.output.as_deref(), arguments.force)?;
    let save = save_like([path.as_path()])?;
    let model = crate::device::load_file(path, &arguments.loading)?;

    let mut display = Display::new();
    let mut options = ForgetOptions::default().progress(|progress| display.show(progress));
    if !arguments.reproducible {
        options = options.date(utc::now());
    }
    if let Some(files) = files {
        options = options.cover_with(files.to_vec());
    }
    let report = model
        .forget(&arguments.photos, options)
        .with_context(|| format!("cannot forget photos of {}", path.display()))?;
    display.finish();
    drop(display);
    output::warn_of_rejected(&report.rejected);
    if let Some(first) = report.unknown.first() {
        let photos = counted(report.unknown.len(), "photo");
        output::note(&format!("{photos} of --data left out, which the model does not keep; the first: {first}"));
    }
    let changed = if arguments.reproducible { report.model.reproducible() } else { report.model };
    changed.save(target, save)?;
    let mut names: Vec<&str> = report.forgotten.iter().map(String::as_str).take(NAMED).collect();
    let more = format!("and {} more", report.forgotten.len().saturating_sub(NAMED));
    if report.forgotten.len() > NAMED {
        names.push(&more);
    }
    let mut text = format!(
        "{}: {} of {} forgotten: {}; {} rows removed, {} added, {}\n",
        target.display(),
        report.forgotten.len(),
        counted(model.fitted_on().images, "photo"),
        names.join(", "),
        per_bank(&report.rows_removed),
        per_bank(&report.rows_added),
        banks(&changed)
    );
    text.push_str(&coverage_words::changed(&report.coverage_before, &report.coverage_after));
    text.push_str(&format!("{}\n", report.thresholds));
    output::print(&text)?;
    let shown = shell_path(target);
    output::next(&match changed.thresholds().image {
        None => format!("patchcore calibrate --model {shown} --good HELD_OUT_PHOTOS"),
        Some(_) => format!("patchcore score --model {shown} NEW_PHOTO --overlays out"),
    });
    Ok(if report.rejected.is_empty() { Outcome::Done } else { Outcome::SomeImagesFailed })
}
