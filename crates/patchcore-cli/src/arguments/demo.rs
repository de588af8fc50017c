//! `patchcore demo`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::compute::Compute;
use crate::arguments::heading::OUTPUT;

const EXAMPLES: &str = "Examples:
  patchcore demo
  patchcore demo --photos-only -o .";

/// `patchcore demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Demo {
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Folder for the demo's photos, model and results
    #[arg(short, long, default_value = "patchcore-demo", value_name = "DIR", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Unpack the photos, to try the other commands on, and stop
    #[arg(long, help_heading = OUTPUT)]
    pub photos_only: bool,
    /// Replace files that patchcore did not write, and a model that has thresholds
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
