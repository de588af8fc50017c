//! `patchcore audit`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::formats::Format;
use crate::arguments::heading::{DATA, OUTPUT};
use crate::arguments::model_source::ModelSource;

const EXAMPLES: &str = "Examples:
  patchcore audit --model part.patchcore -o audit
  patchcore audit --model part.patchcore --good moved/good --format csv";

/// `patchcore audit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Audit {
    /// The model.
    #[command(flatten)]
    pub source: ModelSource,
    /// The training photos: a folder or a data set [default: where they were at the fit]
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub good: Option<PathBuf>,
    /// How to print the ranking
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = OUTPUT)]
    pub format: Format,
    /// Folder for pictures of the first photos
    ///
    /// Each shows the worst place beside the most similar patch of another photo.
    #[arg(short, long, value_name = "DIR", help_heading = OUTPUT)]
    pub output: Option<PathBuf>,
    /// How many photos get a picture
    #[arg(long, default_value_t = 10, value_name = "N", help_heading = OUTPUT)]
    pub top: usize,
    /// Font (TTF, OTF) for characters that the built-in one lacks
    ///
    /// The built-in font has Latin, Greek and Cyrillic. Without this option another character is drawn as its number, U+65E5.
    #[arg(long, value_name = "FILE", requires = "output", help_heading = OUTPUT)]
    pub font: Option<PathBuf>,
    /// Replace files that patchcore did not write; write into the photos' folder
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
