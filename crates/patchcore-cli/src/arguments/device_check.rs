//! `patchcore device-check`: its options, and those of the processes that it starts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::arguments::heading::{COMPUTE, DATA, OUTPUT};

const EXAMPLES: &str = "Examples:
  patchcore device-check
  patchcore device-check -o check --device vulkan --seconds 120";

/// `patchcore device-check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeviceCheck {
    /// Folder with models, photos and the CPU's answers [default: made here first]
    ///
    /// `cargo xtask device-bundle` puts one beside the program.
    #[arg(long, value_name = "DIR", help_heading = DATA)]
    pub from: Option<PathBuf>,
    /// Folder for device-check.json and device-check.md
    #[arg(short, long, value_name = "DIR", default_value = "patchcore-device-check", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Only make this folder for --from, with the CPU's answers
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "device"], help_heading = DATA)]
    pub prepare: Option<PathBuf>,
    /// Photos to fit on, and to score, in what is made: half of those that are scored are defective
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "from", value_parser = clap::value_parser!(u32).range(2..=20), help_heading = DATA)]
    pub photos: u32,
    /// Devices to check [default: the CPU and every GPU]
    #[arg(long, value_name = "DEVICE,DEVICE", value_delimiter = ',', help_heading = COMPUTE)]
    pub device: Vec<String>,
    /// Seconds after which nothing more is begun, and what runs is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 330, value_parser = clap::value_parser!(u64).range(1..), help_heading = COMPUTE)]
    pub seconds: u64,
    /// Replace files that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}

/// What a process of its own does: what a driver may crash, hang or do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Lists the devices of a backend.
    Look,
    /// The known answers and every stage against the CPU.
    Doctor,
    /// Scores of recorded photos against the CPU's recorded scores.
    Answers,
    /// Photos per second, together and from files.
    Throughput,
    /// Every stage alone.
    Stages,
    /// A fit, and its scores.
    Fit,
}

/// A part in its process.
#[derive(Debug, Args)]
pub struct DeviceCheckPart {
    /// Which.
    #[arg(long, value_enum)]
    pub part: Part,
    /// The device, or for `look` a backend.
    #[arg(long)]
    pub device: String,
    /// The precision.
    #[arg(long, default_value = "f32")]
    pub precision: String,
    /// Models, photos and answers.
    #[arg(long, default_value = ".")]
    pub from: PathBuf,
}
