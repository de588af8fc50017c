//! `patchcore forget`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::heading::{DATA, OUTPUT};
use crate::arguments::loading::Loading;

const EXAMPLES: &str = "Examples:
  patchcore forget part.patchcore --photo good/017.png
  patchcore forget part.patchcore --photo 9f86d081884c7d65 --data good/ -o part-2.patchcore";

/// `patchcore forget`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Forget {
    /// The model to take photos out of
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// A photo by its name, or by the digest of its pixels; give the option again for each further one
    ///
    /// Names and digests are those that `patchcore inspect --format json` lists. Of a digest 8 digits are enough where they are one
    /// photo's alone.
    #[arg(long = "photo", value_name = "NAME|DIGEST", required = true, help_heading = DATA)]
    pub photos: Vec<String>,
    /// Photos of the fit, to cover again what the forgotten ones covered
    ///
    /// A folder, a data set or a manifest. Those that the model was fitted on, known by their pixels, are taken, but for the forgotten
    /// ones: rows are added until the coverage is what it was, measured over these photos.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: Option<PathBuf>,
    /// How the model is loaded.
    #[command(flatten)]
    pub loading: Loading,
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
