//! The program `patchcore`: fit on good photos, score new ones, evaluate on a test set, look into a model.
//!
//! Results go to stdout, logs and progress to stderr. Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 done, but some
//! images failed (each is named in the results); 4 `score --fail-on-anomaly` found an anomalous photo (before 3); 130
//! Ctrl-C ended it.

mod arguments;
mod command_line;
mod commands;
mod config_file;
mod coverage_words;
mod csv_cell;
mod data;
mod device;
mod file_digest;
mod file_names;
mod forecast;
mod free_memory;
mod hint;
mod identity;
mod in_words;
mod interrupt;
mod lettering;
mod machine;
mod markdown;
mod misuse;
mod model_difference;
mod model_target;
mod outcome;
mod output;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod pictures;
mod progress;
mod recalibration;
mod report_evidence;
mod report_page;
mod results;
mod row_stream;
mod run_record;
mod said;
mod score_rows;
mod shard;
mod stress;
mod threads;
mod utc;
mod write_plan;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use patchcore::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::arguments::{Arguments, Command, General};
use crate::outcome::Outcome;

fn main() -> ExitCode {
    let given = match config_file::expanded(std::env::args_os().collect()).and_then(run_record::expanded) {
        Ok(given) => given,
        Err(error) => {
            output::fatal(&format!("error: {}", said::of_chain(&error)));
            return ExitCode::from(if misuse::is_misuse(&error) { 2 } else { 1 });
        }
    };
    command_line::keep(&given);
    let arguments = match parsed(&given) {
        Ok(arguments) => arguments,
        Err(error) => match other_tools_word(&error) {
            Some(line) => {
                output::fatal(&line);
                return ExitCode::from(2);
            }
            None => error.exit(),
        },
    };
    let general = &arguments.general;
    if let Err(error) = prepare(general) {
        output::fatal(&format!("error: {error:#}"));
        return ExitCode::from(1);
    }
    interrupt::install(arguments.command.what());
    let result = match &arguments.command {
        Command::Fit(fit) => commands::fit::run(fit),
        Command::Score(score) => commands::score::run(score),
        Command::Calibrate(calibrate) => commands::calibrate::run(calibrate),
        Command::Extend(extend) => commands::extend::run(extend),
        Command::Forget(forget) => commands::forget::run(forget),
        Command::Merge(merge) => commands::merge::run(merge),
        Command::Diff(diff) => commands::diff::run(diff),
        Command::Audit(audit) => commands::audit::run(audit),
        Command::Evaluate(evaluate) => commands::evaluate::run(evaluate),
        Command::Compare(compare) => commands::compare::run(compare),
        Command::Reproduce(reproduce) => commands::reproduce::run(reproduce),
        Command::Inspect(inspect) => commands::inspect::run(inspect),
        Command::InspectData(inspect) => commands::inspect_data::run(inspect),
        Command::Devices(devices) => commands::devices::run(devices),
        Command::Doctor(doctor) => commands::doctor::run(doctor),
        Command::DeviceCheck(check) => commands::device_check::run(check),
        Command::DeviceCheckPart(part) => commands::device_check::run_part(part),
        Command::TryDevice(compute) => commands::try_device::run(compute),
        Command::Demo(demo) => commands::demo::run(demo),
        Command::Weights(weights) => commands::weights::run(weights),
        Command::Bench(bench) => commands::bench::run(bench),
        Command::Config(config) => commands::config::run(config, general),
        Command::Completions(completions) => commands::completions::run(completions),
        Command::Man(man) => commands::man::run(man),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeImagesFailed) => ExitCode::from(3),
        Ok(Outcome::Anomaly) => ExitCode::from(4),
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let cancelled = error.chain().find(|cause| matches!(cause.downcast_ref(), Some(Error::Cancelled { .. })));
            let text = cancelled.map_or_else(|| said::of_chain(&error), said::of);
            output::fatal(&format!("error: {text}"));
            hint::hint(&error).iter().for_each(|hint| output::note(&format!("hint: {hint}")));
            ExitCode::from(match cancelled {
                Some(_) => interrupt::EXIT_CODE,
                None if misuse::is_misuse(&error) => 2,
                None => 1,
            })
        }
    }
}

/// The command line as the options that it means.
fn parsed(given: &[OsString]) -> Result<Arguments, clap::Error> {
    let colors = match command_line::value_of(given, "--color").as_deref().and_then(|word| word.to_str()) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let mut program = Arguments::command().color(colors);
    let mut matches = program.try_get_matches_from_mut(given)?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut program))
}

/// The commands of other tools, with what does the same here.
const WORDS_OF_OTHERS: [(&[&str], &str); 3] = [
    (&["train", "learn", "build"], "patchcore fit --data GOOD_PHOTOS -o part.patchcore"),
    (&["predict", "infer", "inference", "detect", "classify", "run"], "patchcore score --model part.patchcore PHOTO"),
    (&["test", "eval", "validate", "metrics"], "patchcore evaluate --model part.patchcore --data TEST_SET -o results"),
];

/// The error for a command of other tools: what it is called here.
fn other_tools_word(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let (_, line) = WORDS_OF_OTHERS.iter().find(|(words, _)| words.contains(&word.as_str()))?;
    Some(format!("error: there is no command {word}; did you mean `{line}`?"))
}

/// Settles what goes to stderr, in which colours, and with how many threads is computed.
fn prepare(general: &General) -> anyhow::Result<()> {
    if general.quiet {
        output::be_quiet();
    }
    output::color_results(general.color);
    if let Some(threads) = general.threads {
        threads::settle(threads)?;
    }
    let level = match (general.quiet, general.verbose) {
        (true, _) => LevelFilter::OFF,
        (_, true) => LevelFilter::DEBUG,
        _ => LevelFilter::WARN,
    };
    let asked = std::env::var("PATCHCORE_LOG").ok().filter(|text| !text.is_empty() && !general.quiet);
    let filter = asked.as_deref().map(str::parse::<Targets>);
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time();
    // Names of files are part of messages: their control characters must not reach a terminal.
    let log = log.fmt_fields(debug_fn(output::log_field).delimited(" "));
    let log = log.with_ansi(output::has_colors(general.color, &std::io::stderr()));
    // A log that nobody reads any more is no reason to stop (reporting it on stderr would panic).
    let log = log.with_target(general.verbose).log_internal_errors(false);
    let usual = Targets::new().with_default(level);
    let chosen = filter.as_ref().and_then(|filter| filter.as_ref().ok()).cloned().unwrap_or(usual);
    tracing_subscriber::registry().with(log).with(chosen).init();
    if let (Some(Err(_)), Some(text)) = (filter, asked) {
        tracing::warn!(
            "PATCHCORE_LOG is {text}: expected a level (error, warn, info, debug, trace) or patchcore=debug; it is ignored"
        );
    }
    Ok(())
}
