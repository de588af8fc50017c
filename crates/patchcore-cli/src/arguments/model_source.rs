//! Where a model comes from: options that every command has which loads one and changes none of its banks.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::arguments::heading::DATA;
use crate::arguments::loading::Loading;

/// Where a model comes from.
#[derive(Debug, Clone, Args)]
pub struct ModelSource {
    /// Model file that `patchcore fit` wrote
    #[arg(long, value_name = "MODEL", help_heading = DATA)]
    pub model: PathBuf,
    /// How it is loaded.
    #[command(flatten)]
    pub loading: Loading,
}

impl ModelSource {
    /// The files of weights, which a command reads.
    pub fn weights_paths(&self) -> impl Iterator<Item = &Path> {
        self.loading.weights_paths()
    }
}
