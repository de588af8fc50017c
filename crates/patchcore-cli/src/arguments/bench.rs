//! `patchcore bench`: its options.

use std::path::PathBuf;

use clap::Args;
use patchcore::Mode;

use crate::arguments::compute::Compute;
use crate::arguments::fit::{modes, network_precisions};
use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::{COMPUTE, DATA, MODEL, OUTPUT, VIEW};
use crate::arguments::parse::{parse_budget, parse_networks};

const EXAMPLES: &str = "Examples:
  patchcore bench --data mvtec_ad/bottle --budget-ms 20
  patchcore bench --data part/ --backbone efficientnet_lite0,resnet18 --resize 256,384";

/// `patchcore bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// Data set to fit on, and to judge by where it has labelled photos
    ///
    /// A folder of photos of good parts gives times alone.
    #[arg(long, value_name = "PATH", help_heading = DATA)]
    pub data: PathBuf,
    /// The most photos of each class to score, evenly chosen [default: all]
    ///
    /// Of a folder of photos 40 are scored without this option.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = DATA)]
    pub photos: Option<u32>,
    /// Short sides after the resize to try
    #[arg(long, value_name = "PIXELS,PIXELS", value_delimiter = ',', default_value = "192,256,384", help_heading = VIEW)]
    pub resize: Vec<u32>,
    /// Networks to try [default: those whose weights are here]
    ///
    /// `patchcore weights list` names them. NETWORK+NETWORK is one model of both, as fit makes it of two --backbone.
    #[arg(long, value_name = "NETWORK,NETWORK", value_delimiter = ',', value_parser = parse_networks, help_heading = MODEL)]
    pub backbone: Vec<String>,
    /// Number formats of the network to try, as in fit [default: f32 and int8]
    ///
    /// bf16 is tried where it is named. Where the device is to compute in another --precision: f32 alone.
    #[arg(long, value_name = "FORMAT,FORMAT", value_delimiter = ',', value_parser = network_precisions(), help_heading = MODEL)]
    pub network_precision: Vec<String>,
    /// Which PatchCore to compute, as in fit
    #[arg(long, default_value = Mode::default().name(), value_parser = modes(), help_heading = MODEL)]
    pub mode: String,
    /// Shares of the training patches in each memory bank to try, in (0, 1]
    ///
    /// Without this option: 0.01 and the mode's own.
    #[arg(long, value_name = "SHARE,SHARE", value_delimiter = ',', allow_negative_numbers = true, help_heading = MODEL)]
    pub coreset_sampling_ratio: Vec<f64>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, help_heading = MODEL)]
    pub seed: u64,
    /// Milliseconds that a photo may take: 95 of 100 photos must stay within them
    #[arg(long, value_name = "MS", value_parser = parse_budget, help_heading = COMPUTE)]
    pub budget_ms: Option<f64>,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
    /// Memory that a fit may take, in MiB [default: what is free]
    ///
    /// A choice that may need more is left out.
    #[arg(long, value_name = "MIB", help_heading = COMPUTE)]
    pub max_memory: Option<u64>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}
