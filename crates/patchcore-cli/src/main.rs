//! The program `patchcore`: fit on good photos, score new ones, evaluate on a test set, look into a model.
//!
//! Results go to stdout, logs and progress to stderr. Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 done, but some
//! images failed (each is named in the results); 4 `score --fail-on-anomaly` found an anomalous photo (before 3); 130
//! Ctrl-C ended it.

mod arguments;
mod command_line;
mod commands;
mod csv_cell;
mod data;
mod device;
mod file_digest;
mod file_names;
mod forecast;
mod free_memory;
mod hint;
mod identity;
mod interrupt;
mod lettering;
mod machine;
mod misuse;
mod outcome;
mod output;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod pictures;
mod progress;
mod report_evidence;
mod report_page;
mod results;
mod row_stream;
mod run_record;
mod said;
mod stress;
mod utc;
mod write_plan;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use patchcore::Error;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::debug_fn;

use crate::arguments::{Arguments, Command};
use crate::outcome::Outcome;

fn main() -> ExitCode {
    let given = match run_record::expanded(std::env::args_os().collect()) {
        Ok(given) => given,
        Err(error) => {
            output::note(&format!("error: {}", said::of_chain(&error)));
            return ExitCode::from(if misuse::is_misuse(&error) { 2 } else { 1 });
        }
    };
    let arguments = Arguments::parse_from(given);
    let level = if arguments.verbose { "debug" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("PATCHCORE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time();
    // Names of files are part of messages: their control characters must not reach a terminal.
    let log = log.fmt_fields(debug_fn(output::log_field).delimited(" "));
    // Colours are for terminals, and for those who did not ask for none.
    let colors = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A log that nobody reads any more is no reason to stop (reporting it on stderr would panic).
    log.with_ansi(colors).with_target(arguments.verbose).log_internal_errors(false).init();
    interrupt::install(arguments.command.what());
    let result = match &arguments.command {
        Command::Fit(fit) => commands::fit::run(fit),
        Command::Score(score) => commands::score::run(score),
        Command::Calibrate(calibrate) => commands::calibrate::run(calibrate),
        Command::Audit(audit) => commands::audit::run(audit),
        Command::Evaluate(evaluate) => commands::evaluate::run(evaluate),
        Command::Compare(compare) => commands::compare::run(compare),
        Command::Reproduce(reproduce) => commands::reproduce::run(reproduce),
        Command::Inspect(inspect) => commands::inspect::run(inspect),
        Command::InspectData(inspect) => commands::inspect_data::run(inspect),
        Command::Devices(devices) => commands::devices::run(devices),
        Command::Doctor(doctor) => commands::doctor::run(doctor),
        Command::TryDevice(compute) => commands::try_device::run(compute),
        Command::Demo(demo) => commands::demo::run(demo),
        Command::Weights(weights) => commands::weights::run(weights),
        Command::Bench(bench) => commands::bench::run(bench),
        Command::Completions(completions) => commands::completions::run(completions),
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
            output::note(&format!("error: {text}"));
            hint::hint(&error).iter().for_each(|hint| output::note(&format!("hint: {hint}")));
            ExitCode::from(match cancelled {
                Some(_) => interrupt::EXIT_CODE,
                None if misuse::is_misuse(&error) => 2,
                None => 1,
            })
        }
    }
}
