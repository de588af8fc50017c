//! `patchcore reproduce`: its options.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::compute::Compute;
use crate::arguments::fit::backbones;
use crate::arguments::heading::{COMPUTE, DATA, MODEL, OUTPUT};

const EXAMPLES: &str = "Examples:
  patchcore reproduce --mvtec mvtec_ad/ --classes bottle,carpet
  patchcore reproduce --mvtec mvtec_ad/ --visa visa/ --backbone efficientnet_lite0 -o lite0";

/// `patchcore reproduce`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("benchmarks").required(true).multiple(true).args(["mvtec", "visa"]), after_help = EXAMPLES)]
pub struct Reproduce {
    /// Folder of MVTec AD, with its 15 classes as folders
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub mvtec: Option<PathBuf>,
    /// Folder of VisA, with its 12 classes and split_csv
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub visa: Option<PathBuf>,
    /// Only these classes [default: all]
    #[arg(long, value_delimiter = ',', value_name = "CLASS,CLASS", help_heading = DATA)]
    pub classes: Vec<String>,
    /// Modes to measure
    #[arg(long, value_delimiter = ',', value_name = "MODE,MODE", default_value = "paper,authors,anomalib,line", help_heading = MODEL)]
    pub modes: Vec<String>,
    /// Network; few numbers are published of others than the paper's
    #[arg(long, default_value = crate::commands::reproduce::PAPERS_BACKBONE, value_parser = backbones(), help_heading = MODEL)]
    pub backbone: String,
    /// ONNX or safetensors file with the network's weights
    ///
    /// Without this option: embedded in the program, else from the weights directory.
    #[arg(long, value_name = "FILE", help_heading = MODEL)]
    pub weights: Option<PathBuf>,
    /// Share of the training patches that all memory banks of a model keep, in (0, 1]
    ///
    /// Published are 0.25, 0.1 and 0.01.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true, help_heading = MODEL)]
    pub coreset_sampling_ratio: f64,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, help_heading = MODEL)]
    pub seed: u64,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Memory that a fit may take, in MiB [default: what is free]
    ///
    /// A class that may need more is not measured.
    #[arg(long, value_name = "MIB", help_heading = COMPUTE)]
    pub max_memory: Option<u64>,
    /// Folder for reproduce.md and a file of every run
    ///
    /// What an earlier start with the same settings and program has left there is not measured again.
    #[arg(short, long, value_name = "DIR", default_value = "patchcore-reproduce", help_heading = OUTPUT)]
    pub output: PathBuf,
    /// Replace files that patchcore did not write
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}
