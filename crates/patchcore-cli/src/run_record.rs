//! How an evaluation was run, so that `evaluate --from run.json` runs it again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use patchcore::WeightsFile;
use patchcore::metrics::{Results, RunFile, RunNote};
use patchcore::{Model, PrecisionChoice, one_line, path_of_text, path_text};

use crate::arguments::{Evaluate, MapGeometry};
use crate::command_line::{VALUED, command_at};
use crate::file_digest::file_sha256;
use crate::misuse::Misuse;
use crate::utc;

/// The file in a folder of results.
pub const RUN: &str = "run.json";
/// The option that names one.
const FROM: &str = "--from";
const COMMAND: [&str; 2] = ["patchcore", "evaluate"];

/// What ran, from the options that decide the results; where the precision was left to a measurement, the one that it chose, and why.
pub fn run_note(arguments: &Evaluate, model: &Model, choice: Option<&PrecisionChoice>) -> RunNote {
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
    option("--device", &source.loading.compute.device);
    option("--precision", model.device().precision().name());
    if let Some(set) = &source.loading.compute.instructions {
        option("--instructions", set);
    }
    for WeightsFile { network, path } in &source.loading.weights {
        let of = network.as_ref().map_or_else(String::new, |network| format!("{network}="));
        option("--weights", &format!("{of}{}", whole(path)));
    }
    if let Some(path) = &arguments.font {
        option("--font", &whole(path));
    }
    if arguments.min_area > 0.0 {
        option("--min-area", &arguments.min_area.to_string());
    }
    if arguments.stress {
        option("--stress-photos", &arguments.stress_photos.to_string());
    }
    let flags = [
        ("--stress", arguments.stress),
        ("--authors-normalization", arguments.authors_normalization),
        ("--allow-drift", source.loading.allow_drift),
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
        precision_choice: choice.map(ToString::to_string),
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

/// Options of a record that have a value: those that decide the results, and none that says where they are written.
const VALUES: [&str; 9] = [
    "--model",
    "--data",
    "--map-geometry",
    "--device",
    "--precision",
    "--instructions",
    "--weights",
    "--font",
    "--min-area",
];
/// One that has a value, and goes with `--stress`.
const STRESS_PHOTOS: &str = "--stress-photos";
/// Options of a record without a value.
const FLAGS: [&str; 6] =
    ["--stress", "--authors-normalization", "--allow-drift", "--no-overlays", "--no-intervals", "--no-report"];

/// The recorded options as one word each: no value is taken for an option.
fn recorded_options(from: &Path, words: &[String]) -> anyhow::Result<Vec<OsString>> {
    let mut words = words.iter().map(String::as_str);
    let mut options = Vec::new();
    while let Some(option) = words.next() {
        if FLAGS.contains(&option) {
            options.push(option.into());
            continue;
        }
        ensure!(
            VALUES.contains(&option) || option == STRESS_PHOTOS,
            "{} has `{}` in its command line, which no record of an evaluation has; evaluate with --model and --data instead",
            from.display(),
            one_line(option)
        );
        let value = words.next().with_context(|| format!("{} gives {option} no value", from.display()))?;
        let mut word = OsString::from(format!("{option}="));
        word.push(path_of_text(value));
        options.push(word);
    }
    Ok(options)
}

/// What an option is that is given beside `--from`.
enum Beside {
    /// The next word is its value.
    Valued,
    /// It has its value, or needs none.
    Whole,
    Help,
    /// The record says it.
    Recorded,
}

fn beside(word: &str) -> Beside {
    match word {
        "--help" => Beside::Help,
        "--output" => Beside::Valued,
        "--force" | "--verbose" | "--quiet" => Beside::Whole,
        _ if word.starts_with("--output=") => Beside::Whole,
        _ if VALUED.contains(&word) => Beside::Valued,
        _ if VALUED.iter().any(|option| word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))) => {
            Beside::Whole
        }
        _ if word.starts_with("--") => Beside::Recorded,
        // Short options, several in one word.
        _ => match word.strip_prefix('-').map(|letters| letters.trim_start_matches(['v', 'q'])) {
            Some("o") => Beside::Valued,
            Some("") if word.len() > 1 => Beside::Whole,
            Some(letters) if letters.starts_with('o') => Beside::Whole,
            Some(letters) if letters.starts_with('h') => Beside::Help,
            _ => Beside::Recorded,
        },
    }
}

/// The command line with the options of the run.json that `evaluate --from` names put in behind it.
///
/// # Errors
/// [`Misuse`] for an option beside it that the record gives; and where the record cannot be read, or has an option that is none of it.
pub fn expanded(given: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let (mut from, mut refused) = (None, None);
    let Some(at) = command_at(&given).filter(|at| given.get(*at).is_some_and(|word| word == COMMAND[1])) else {
        return Ok(given);
    };
    let mut words = given.iter().skip(at + 1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if word == FROM {
            let Some(path) = words.next() else { return Ok(given) };
            from = from.or(Some(PathBuf::from(path)));
        } else if let Some(path) = word.to_str().and_then(|word| word.strip_prefix("--from=")) {
            from = from.or(Some(PathBuf::from(path)));
        } else {
            match beside(&text) {
                Beside::Help => return Ok(given),
                Beside::Valued => drop(words.next()),
                Beside::Whole => {}
                Beside::Recorded => {
                    refused.get_or_insert_with(|| text.split('=').next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    let Some(from) = from else { return Ok(given) };
    if let Some(refused) = refused {
        anyhow::bail!(Misuse(format!(
            "{} cannot be given beside --from, which takes all options but -o and --force from {}; leave it out, or evaluate with --model and \
             --data to choose other options",
            one_line(&refused),
            from.display()
        )));
    }
    let options = recorded_options(&from, read(&from)?.run.command_line.get(COMMAND.len()..).unwrap_or_default())?;
    Ok(given.into_iter().chain(options).collect())
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
