//! `patchcore diff`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::{DATA, OUTPUT};
use crate::arguments::loading::Loading;

const EXAMPLES: &str = "Examples:
  patchcore diff part.patchcore part-2.patchcore
  patchcore diff part.patchcore part-2.patchcore --data camera/ --format json";

/// `patchcore diff`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The first model
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The second model
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Photos to score with both: those whose scores change most are listed
    ///
    /// A folder, a data set, of which all photos are taken, or a manifest. Without this option no photo is read, and no weights are
    /// needed.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: Option<PathBuf>,
    /// How the models are loaded.
    #[command(flatten)]
    pub loading: Loading,
    /// Photos that are listed, at most
    #[arg(long, value_name = "N", default_value_t = 10, requires = "data", help_heading = OUTPUT)]
    pub most: usize,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}
