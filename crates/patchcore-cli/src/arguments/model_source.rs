//! Where a model comes from: options that every command has which loads one.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::compute::Compute;
use crate::arguments::heading::{COMPUTE, DATA};

/// Where a model comes from.
#[derive(Debug, Clone, Args)]
pub struct ModelSource {
    /// Model file that `patchcore fit` wrote
    #[arg(long, value_name = "MODEL", help_heading = DATA)]
    pub model: PathBuf,
    /// The network's weights, for a model that does not carry them
    ///
    /// Without this option: embedded in the program, else from the weights directory.
    #[arg(long, value_name = "FILE", help_heading = DATA)]
    pub weights: Option<PathBuf>,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Load the model even if its self-test drifts on this device
    ///
    /// A model file carries test pictures with their scores. If this device scores them differently than the device of the fit, the
    /// model is refused without this option.
    #[arg(long, help_heading = COMPUTE)]
    pub allow_drift: bool,
}
