//! `patchcore devices`: its options.

use clap::Args;

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::OUTPUT;

const EXAMPLES: &str = "Examples:
  patchcore devices
  patchcore devices --format json";

/// `patchcore devices`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Devices {
    /// How to print them
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
    /// Look up one backend's devices and print nothing: run in a process of its own, which a bad driver may end
    #[arg(long, hide = true, value_name = "BACKEND")]
    pub of: Option<String>,
}
