//! `patchcore merge`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::heading::{MODEL, OUTPUT};
use crate::arguments::loading::Loading;

const EXAMPLES: &str = "Examples:
  patchcore merge early.patchcore late.patchcore -o both-shifts.patchcore
  patchcore merge shard-*.patchcore --bank-rows 10000 -o part.patchcore";

/// `patchcore merge`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Merge {
    /// The models: of the same configuration and weights
    #[arg(required = true, num_args = 2.., value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    /// How the models are loaded.
    #[command(flatten)]
    pub loading: Loading,
    /// Rows of each memory bank [default: all rows of all models, equal ones once]
    #[arg(long, value_name = "N", conflicts_with = "coreset_sampling_ratio", allow_negative_numbers = true, help_heading = MODEL)]
    pub bank_rows: Option<usize>,
    /// Share of all models' training patches in each memory bank, in (0, 1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = MODEL)]
    pub coreset_sampling_ratio: Option<f64>,
    /// The model file to write
    #[arg(short, long, value_name = "MODEL", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Leave out of the model where and when it was made
    ///
    /// That is paths, dates and command line, as of `patchcore fit --reproducible`.
    #[arg(long, help_heading = OUTPUT)]
    pub reproducible: bool,
    /// Replace files that patchcore did not write, and a model that has thresholds
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
