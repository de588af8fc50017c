//! How a model is loaded: options that every command has which loads one.

use std::path::Path;

use clap::Args;
use patchcore::WeightsFile;

use crate::arguments::compute::Compute;
use crate::arguments::heading::{COMPUTE, DATA};
use crate::arguments::parse::weights_parser;

/// How a model is loaded.
#[derive(Debug, Clone, Args)]
pub struct Loading {
    /// The network's weights, for a model that does not carry them; of several networks NAME=FILE for each
    ///
    /// Without this option: embedded in the program, else from the weights directory. A FILE without a name goes to the one network that
    /// has no weights elsewhere.
    #[arg(long, value_name = "[NAME=]FILE", value_parser = weights_parser(), help_heading = DATA)]
    pub weights: Vec<WeightsFile>,
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

impl Loading {
    /// The files of weights, which a command reads.
    pub fn weights_paths(&self) -> impl Iterator<Item = &Path> {
        self.weights.iter().map(|file| file.path.as_path())
    }
}
