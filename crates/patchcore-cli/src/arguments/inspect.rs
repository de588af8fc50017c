//! `patchcore inspect`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::{DATA, OUTPUT};
use crate::arguments::loading::Loading;

const EXAMPLES: &str = "Examples:
  patchcore inspect part.patchcore
  patchcore inspect part.patchcore --format json
  patchcore inspect part.patchcore --measure-coverage good/";

/// `patchcore inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// Model file that `patchcore fit` wrote
    pub model: PathBuf,
    /// Also measure how well the memory banks cover the patches of these photos
    ///
    /// A folder, a data set or a manifest: with the photos of the fit what a change of the banks has left as a bound becomes exact. The
    /// model is loaded for it, and its file stays as it is.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub measure_coverage: Option<PathBuf>,
    /// How the model is loaded for that.
    #[command(flatten)]
    pub loading: Loading,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}
