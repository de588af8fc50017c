//! `patchcore doctor`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::compute::Compute;
use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::{DATA, OUTPUT};

const EXAMPLES: &str = "Examples:
  patchcore doctor
  patchcore doctor --device vulkan -o doctor.json
  patchcore doctor --device cuda --precision tf32 --model part.patchcore";

/// `patchcore doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// The device to examine.
    #[command(flatten)]
    pub compute: Compute,
    /// A model whose own network is checked too, layer by layer
    ///
    /// Every distinct shape of its layers, and the whole network, at the size of most photos of the fit.
    #[arg(long, value_name = "MODEL", help_heading = DATA)]
    pub model: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
    /// Also write everything found to this JSON file, to attach to a report
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub output: Option<PathBuf>,
    /// Replace files that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
