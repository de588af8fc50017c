//! `patchcore extend`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::heading::{DATA, MODEL, OUTPUT, THRESHOLD};
use crate::arguments::loading::Loading;

const EXAMPLES: &str = "Examples:
  patchcore extend part.patchcore --data false-alarms-of-the-week/
  patchcore extend part.patchcore --data more-good/ --calibrate-again held-out/ -o part-2.patchcore
  patchcore extend part.patchcore --data more-good/ --bank-rows 12000";

/// `patchcore extend`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Extend {
    /// The model to add to
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// More photos of good parts: a folder, a data set or a manifest
    ///
    /// Photos that the model has already, known by their pixels, are left out and counted.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: PathBuf,
    /// How the model is loaded.
    #[command(flatten)]
    pub loading: Loading,
    /// Rows of each memory bank in all, with those that it has
    ///
    /// Without one of these three options the new photos get the share of their patches that the model's fit had.
    #[arg(long, value_name = "N", conflicts_with_all = ["coreset_sampling_ratio", "coverage"], allow_negative_numbers = true, help_heading = MODEL)]
    pub bank_rows: Option<usize>,
    /// Share of the new photos' patches that is added, in (0, 1]
    #[arg(long, value_name = "SHARE", conflicts_with = "coverage", allow_negative_numbers = true, help_heading = MODEL)]
    pub coreset_sampling_ratio: Option<f64>,
    /// Add rows until no new patch is farther from the bank than this
    ///
    /// The unit is that of distances between patches (L2), in which `patchcore inspect` says the coverage.
    #[arg(long, value_name = "RADIUS", allow_negative_numbers = true, help_heading = MODEL)]
    pub coverage: Option<f64>,
    /// Calibrate the thresholds again on these photos of good parts
    ///
    /// Photos that neither the model nor --data has; of a data set those for validation are taken. They get the rates that the
    /// thresholds had.
    #[arg(long, value_name = "PATH", help_heading = THRESHOLD)]
    pub calibrate_again: Option<PathBuf>,
    /// Highest share of false alarms among good parts [default: the threshold's so far, else 0.01]
    #[arg(long, value_name = "SHARE", requires = "calibrate_again", allow_negative_numbers = true, help_heading = THRESHOLD)]
    pub fpr: Option<f64>,
    /// The model file to write [default: MODEL itself is replaced]
    #[arg(short, long, value_name = "MODEL", help_heading = OUTPUT)]
    pub output: Option<PathBuf>,
    /// Leave out of the model where and when it was made
    ///
    /// That is paths, dates and command line, as of `patchcore fit --reproducible`.
    #[arg(long, help_heading = OUTPUT)]
    pub reproducible: bool,
    /// Replace a file that patchcore did not write, a model that has thresholds, or one name of several
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
