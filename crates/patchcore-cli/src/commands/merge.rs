//! `patchcore merge`: several models of one configuration into one.

use std::path::PathBuf;

use anyhow::Context;
use patchcore::{MergeOptions, Model, path_text};

use crate::arguments::Merge;
use crate::command_line::shell_path;
use crate::coverage_words;
use crate::in_words::{banks, counted};
use crate::model_target::{check_thresholds, save_like};
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Display;
use crate::utc;
use crate::write_plan::{Kind, WritePlan};

pub fn run(arguments: &Merge) -> anyhow::Result<Outcome> {
    let paths = || arguments.models.iter().map(PathBuf::as_path);
    let target = &arguments.output;
    let plan = WritePlan::new(arguments.force).reads(paths()).reads(arguments.loading.weights_paths());
    plan.file(target, Kind::Model)?;
    check_thresholds(target, arguments.force)?;
    let save = save_like(paths())?;
    let models = paths().map(|path| crate::device::load_file(path, &arguments.loading));
    let models = models.collect::<anyhow::Result<Vec<Model>>>()?;

    let mut display = Display::new();
    let mut options = MergeOptions::default().progress(|progress| display.show(progress));
    if !arguments.reproducible {
        options = options.date(utc::now());
    }
    if let Some(rows) = arguments.bank_rows {
        options = options.bank_rows(rows);
    }
    if let Some(ratio) = arguments.coreset_sampling_ratio {
        options = options.ratio(ratio);
    }
    let names = || paths().map(path_text).collect::<Vec<_>>().join(", ");
    let report = Model::merge(&models, options).with_context(|| format!("cannot merge {}", names()))?;
    display.finish();
    drop(display);
    let changed = if arguments.reproducible { report.model.reproducible() } else { report.model };
    changed.save(target, save)?;
    let copies = match report.copies {
        0 => String::new(),
        copies => format!(", {} in more than one of them listed once", counted(copies, "photo")),
    };
    let mut text = format!(
        "{}: {} of {} models{copies}, {}\n",
        target.display(),
        counted(report.photos, "photo"),
        models.len(),
        banks(&changed)
    );
    text.push_str(&coverage_words::lines(&report.coverage_after));
    text.push_str(&format!("{}\n", report.thresholds));
    output::print(&text)?;
    output::next(&format!("patchcore calibrate --model {} --good HELD_OUT_PHOTOS", shell_path(target)));
    Ok(Outcome::Done)
}
