//! The command line: a file for the options of each command. Its help, completions, man pages and `--config` files all come from here.

mod about_program;
mod audit;
mod bench;
mod calibrate;
mod compare;
pub mod compute;
mod demo;
mod device_check;
mod devices;
mod diff;
mod doctor;
mod evaluate;
mod extend;
mod fit;
mod forget;
pub mod formats;
pub mod heading;
mod inspect;
mod inspect_data;
pub mod loading;
mod merge;
pub mod model_source;
mod parse;
mod reproduce;
mod score;
mod weights;

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

pub use self::about_program::{Completions, Config, Man};
pub use self::audit::Audit;
pub use self::bench::Bench;
pub use self::calibrate::Calibrate;
pub use self::compare::Compare;
pub use self::compute::Compute;
pub use self::demo::Demo;
pub use self::device_check::{DeviceCheck, DeviceCheckPart, Part};
pub use self::devices::Devices;
pub use self::diff::Diff;
pub use self::doctor::Doctor;
pub use self::evaluate::{Evaluate, STRESS_PHOTOS};
pub use self::extend::Extend;
pub use self::fit::{Fit, ratio_of_a_larger_view};
pub use self::forget::Forget;
pub use self::formats::{Color, Format, InspectFormat, MapFormat, MapGeometry};
use self::heading::GENERAL;
pub use self::inspect::Inspect;
pub use self::inspect_data::InspectData;
pub use self::loading::Loading;
pub use self::merge::Merge;
pub use self::model_source::ModelSource;
use self::parse::parse_threads;
pub use self::reproduce::Reproduce;
pub use self::score::Score;
pub use self::weights::{Installation, ListWeights, Weights, WeightsCommand};

/// PatchCore anomaly detection: learn from photos of good parts, score new ones, see where they differ.
#[derive(Debug, Parser)]
#[command(name = "patchcore", version, after_help = AFTER, disable_help_flag = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command has.
    #[command(flatten)]
    pub general: General,
}

/// Options that every command has.
#[derive(Debug, Clone, clap::Args)]
pub struct General {
    /// TOML file with options (see `patchcore config --help`)
    #[arg(long, global = true, value_name = "FILE", help_heading = GENERAL, display_order = 990)]
    pub config: Option<PathBuf>,
    /// Threads that compute [default: as many as the machine has]
    ///
    /// The environment variable RAYON_NUM_THREADS says the same where the option is not given.
    #[arg(long, global = true, value_name = "N", value_parser = parse_threads, help_heading = GENERAL, display_order = 991)]
    pub threads: Option<usize>,
    /// When to use colours
    ///
    /// auto: on a terminal, unless the environment variable NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = GENERAL, display_order = 992)]
    pub color: Color,
    /// Nothing on stderr but the error that ends the program
    ///
    /// No progress, no warnings, no next step. A wrong command line still says how it is used.
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = GENERAL, display_order = 993)]
    pub quiet: bool,
    /// Verbose logging (or set PATCHCORE_LOG=debug)
    ///
    /// Settings, time of each photo and stage, and every photo that a warning counts.
    #[arg(long, short, global = true, help_heading = GENERAL, display_order = 994)]
    pub verbose: bool,
    /// Print help: -h in short, --help in full
    #[arg(long, short, global = true, action = ArgAction::Help, help_heading = GENERAL, display_order = 995)]
    pub help: Option<bool>,
}

const AFTER: &str = "Examples:
  patchcore demo
  patchcore fit --data good/ -o part.patchcore
  patchcore score --model part.patchcore new.png --overlays out/

Exit codes: 0 done; 1 error; 2 wrong usage; 3 done, but some photos failed; 4 an anomalous photo \
(score --fail-on-anomaly); 130 cancelled (Ctrl-C)";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Learn from photos of good parts and write a model file
    Fit(Box<Fit>),
    /// Score photos with a model
    Score(Score),
    /// Set thresholds with a guaranteed false-alarm rate
    Calibrate(Calibrate),
    /// Add photos of good parts to a model
    Extend(Extend),
    /// Take photos out of a model
    Forget(Forget),
    /// Make one model of several
    Merge(Merge),
    /// Show how two models differ
    Diff(Diff),
    /// Find likely defective training photos
    Audit(Audit),
    /// Score a labelled test set: misses, false alarms, metrics, report
    Evaluate(Evaluate),
    /// Compare two evaluations of the same photos
    Compare(Compare),
    /// Measure public benchmarks beside the published numbers
    Reproduce(Reproduce),
    /// Show a model's settings
    Inspect(Inspect),
    /// Show how a data set is read, and what is skipped
    InspectData(InspectData),
    /// List compute devices
    Devices(Devices),
    /// Compare a device with the CPU, stage by stage
    Doctor(Doctor),
    /// Check all of this machine's GPUs: right or wrong, and how fast
    DeviceCheck(DeviceCheck),
    /// A part of that, in a process of its own, which a bad driver may end
    #[command(hide = true)]
    DeviceCheckPart(DeviceCheckPart),
    /// Try a device and say nothing: run in a process of its own, which a bad driver may end
    #[command(hide = true)]
    TryDevice(Compute),
    /// Fit, score and evaluate on the photos that ship with the program
    Demo(Demo),
    /// List, fetch and import the weights of networks
    Weights(Weights),
    /// Choose network, size and bank for a time budget
    Bench(Bench),
    /// Print the options in force as a TOML file for --config
    Config(Config),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page, or write all of them
    Man(Man),
}

impl Command {
    /// What Ctrl-C cancels, in words. Nobody waits for the process of its own.
    pub fn what(&self) -> Option<&'static str> {
        Some(match self {
            Self::Fit(_) => "fit",
            Self::Score(_) => "scoring",
            Self::Calibrate(_) => "calibration",
            Self::Extend(_) => "extension",
            Self::Forget(_) => "forgetting",
            Self::Merge(_) => "merge",
            Self::Diff(_) => "comparison",
            Self::Audit(_) => "audit",
            Self::Evaluate(_) => "evaluation",
            Self::Compare(_) => "comparison",
            Self::Reproduce(_) => "reproduction",
            Self::Inspect(_) => "inspection",
            Self::InspectData(_) => "look at the data",
            Self::Devices(_) => "list of devices",
            Self::Doctor(_) => "examination",
            Self::DeviceCheck(_) => "device check",
            Self::Demo(_) => "demo",
            Self::Weights(_) => "installation",
            Self::Bench(_) => "measurement",
            Self::Config(_) => "configuration",
            Self::Completions(_) => "script",
            Self::Man(_) => "manual",
            Self::TryDevice(_) | Self::DeviceCheckPart(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_heading_and_every_command_an_example() {
        for command in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let options = command.get_arguments().filter(|option| !option.is_positional() && !option.is_hide_set());
            for option in options {
                assert!(option.get_help_heading().is_some(), "{name} {}", option.get_id());
            }
            let example = format!("  patchcore {name}");
            assert!(command.get_after_help().is_some_and(|text| text.to_string().contains(&example)), "{name}");
        }
    }
}
