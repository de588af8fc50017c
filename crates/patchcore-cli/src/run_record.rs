//! How an evaluation was run, so that `evaluate --from run.json` runs it again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use patchcore::metrics::{Results, RunFile, RunNote};
use patchcore::{path_of_text, path_text};

use crate::arguments::{Evaluate, MapGeometry};
use crate::file_digest::file_sha256;
use crate::misuse::Misuse;
use crate::utc;

/// The file in a folder of results.
pub const RUN: &str = "run.json";
/// The option that names one.
const FROM: &str = "--from";
const COMMAND: [&str; 2] = ["patchcore", "evaluate"];

/// What ran, from the options that decide the results.
pub fn run_note(arguments: &Evaluate) -> RunNote {
    let source = &arguments.source;
    let geometry = match arguments.map_geometry {
        MapGeometry::Input => "input",
        MapGeometry::Original => "original",
    };
    let (model_path, data) = (whole(&source.model), whole(&arguments.data));
    let mut line: Vec<String> = COMMAND.map(str::to_owned).into();
    let mut option = |name: &str, value: &str| line.extend([name.to_owned(), value.to_owned()]);
    option("--model", &model_path);
    option("--data", &data);
    option("--map-geometry", geometry);
    option("--device", &source.compute.device);
    option("--precision", &source.compute.precision);
    if let Some(set) = &source.compute.instructions {
        option("--instructions", set);
    }
    for (name, path) in [("--weights", &source.weights), ("--font", &arguments.font)] {
        if let Some(path) = path {
            option(name, &whole(path));
        }
    }
    if arguments.min_area > 0.0 {
        option("--min-area", &arguments.min_area.to_string());
    }
    if arguments.stress {
        option("--stress-photos", &arguments.stress_photos.to_string());
    }
    let flags = [
        ("--stress", arguments.stress),
        ("--allow-drift", source.allow_drift),
        ("--no-overlays", arguments.no_overlays),
        ("--no-intervals", arguments.no_intervals),
        ("--no-report", arguments.no_report),
    ];
    line.extend(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned()));
    RunNote {
        command_line: line,
        data,
        model_path,
        geometry: geometry.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        written: utc::now(),
    }
}

/// The run.json of an evaluation.
pub fn run_file(results: &Results) -> Option<RunFile> {
    Some(RunFile {
        version: RunFile::VERSION,
        run: results.run.clone()?,
        model: results.model.clone(),
        thresholds: results.thresholds,
        seconds: results.seconds.clone(),
    })
}

/// The path that means the same from every folder.
fn whole(path: &Path) -> String {
    path_text(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Reads a run.json.
fn read(path: &Path) -> anyhow::Result<RunFile> {
    let shown = path.display();
    let json = std::fs::read(path).with_context(|| format!("cannot read {shown}; give a run.json of `evaluate`"))?;
    let file = RunFile::from_json(&json).with_context(|| format!("{shown} is no run.json that can be read here"))?;
    let command = file.run.command_line.get(..COMMAND.len()).unwrap_or_default();
    ensure!(command == COMMAND, "{shown} is of `{}`, expected that of `patchcore evaluate`", command.join(" "));
    Ok(file)
}

/// The command line with the options of the run.json that `evaluate --from` names put in behind it.
pub fn expanded(given: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let is_evaluate = given.iter().skip(1).find(|word| !word.to_string_lossy().starts_with('-'));
    if is_evaluate.is_none_or(|word| word != "evaluate") {
        return Ok(given);
    }
    let mut at = given.iter();
    let from = loop {
        let Some(word) = at.next() else { return Ok(given) };
        if word == FROM {
            break at.next().map(PathBuf::from);
        }
        if let Some(path) = word.to_str().and_then(|word| word.strip_prefix("--from=")) {
            break Some(PathBuf::from(path));
        }
    };
    let Some(from) = from else { return Ok(given) };
    let options = read(&from)?.run.command_line.into_iter().skip(COMMAND.len());
    Ok(given.into_iter().chain(options.map(|option| path_of_text(&option).into_os_string())).collect())
}

/// Refuses a run with another model than the recorded one.
pub fn check_model(from: &Path, model: &Path) -> anyhow::Result<()> {
    let recorded = read(from)?.model.file_sha256.with_context(|| {
        format!(
            "{} does not say the digest of its model, so it cannot be made again: evaluate with --model",
            from.display()
        )
    })?;
    let found = file_sha256(model)?;
    if recorded != found {
        let (from, model) = (from.display(), model.display());
        anyhow::bail!(Misuse(format!(
            "{model} is not the model of {from}: its SHA-256 is {found}, expected {recorded}; it was fitted or calibrated again since: \
             evaluate it with --model"
        )));
    }
    Ok(())
}
