//! `patchcore inspect`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::OUTPUT;

const EXAMPLES: &str = "Examples:
  patchcore inspect part.patchcore
  patchcore inspect part.patchcore --format json";

/// `patchcore inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// Model file that `patchcore fit` wrote
    pub model: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}
