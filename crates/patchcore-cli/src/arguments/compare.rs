//! `patchcore compare`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::OUTPUT;

const EXAMPLES: &str = "Examples:
  patchcore compare results-256 results-384
  patchcore compare results-256 results-384 -o 256-or-384.html --format json";

/// `patchcore compare`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Compare {
    /// Folder of the first evaluation (metrics.json and scores.csv)
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// Folder of the second evaluation
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// The page to write
    #[arg(short, long, value_name = "HTML", default_value = "comparison.html", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
    /// Replace files that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
