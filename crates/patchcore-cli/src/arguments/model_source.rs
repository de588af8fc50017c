//! Where a model comes from: options that every command has which loads one.

use std::path::{Path, PathBuf};

use clap::Args;
use patchcore::WeightsFile;

use crate::arguments::compute::Compute;
use crate::arguments::heading::{COMPUTE, DATA};
use crate::arguments::parse::weights_parser;

/// Where a model comes from.
#[derive(Debug, Clone, Args)]
pub struct ModelSource {
    /// Model file that `patchcore fit` wrote
    #[arg(long, value_name = "MODEL", help_heading = DATA)]
    pub model: PathBuf,
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

impl ModelSource {
    /// The files of weights, which a command reads.
    pub fn weights_paths(&self) -> impl Iterator<Item = &Path> {
        self.weights.iter().map(|file| file.path.as_path())
    }
}
