//! `patchcore inspect-data`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::OUTPUT;

const EXAMPLES: &str = "Examples:
  patchcore inspect-data mvtec_ad/bottle
  patchcore inspect-data parts.csv --format json";

/// `patchcore inspect-data`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectData {
    /// Data set, folder of photos or manifest (CSV)
    #[arg(value_name = "PATH")]
    pub data: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}
