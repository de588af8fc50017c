//! `patchcore weights`: its commands and their options.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use patchcore_fetch::{last_layers, published};

use crate::arguments::formats::InspectFormat;
use crate::arguments::heading::{DATA, OUTPUT};

const EXAMPLES: &str = "Examples:
  patchcore weights list
  patchcore weights fetch resnet18
  patchcore weights import resnet18 resnet18-f37072fd.pth";

/// `patchcore weights`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Weights {
    /// What to do.
    #[command(subcommand)]
    pub command: WeightsCommand,
}

/// What to do with weights.
#[derive(Debug, Subcommand)]
pub enum WeightsCommand {
    /// List the networks, and which of them have weights here
    List(ListWeights),
    /// Download published ImageNet weights, verify and install them
    Fetch(FetchWeights),
    /// Install weights from a file
    Import(ImportWeights),
}

/// `patchcore weights list`.
#[derive(Debug, Args)]
pub struct ListWeights {
    /// Folder to look in [default: PATCHCORE_CACHE or the user's cache]
    #[arg(long, value_name = "DIR", help_heading = DATA)]
    pub to: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InspectFormat::Table, help_heading = OUTPUT)]
    pub format: InspectFormat,
}

/// `patchcore weights fetch`.
#[derive(Debug, Args)]
pub struct FetchWeights {
    /// Networks to install
    #[arg(value_name = "NETWORK", required_unless_present = "all", value_parser = PossibleValuesParser::new(names()))]
    pub networks: Vec<String>,
    /// Install every published network
    #[arg(long, conflicts_with = "networks", help_heading = DATA)]
    pub all: bool,
    /// Another address to download from
    ///
    /// One that ends in / is a mirror with the published file names.
    #[arg(long, value_name = "URL", help_heading = DATA)]
    pub from: Option<String>,
    /// How to install them.
    #[command(flatten)]
    pub installation: Installation,
}

/// `patchcore weights import`.
#[derive(Debug, Args)]
pub struct ImportWeights {
    /// The network
    #[arg(value_name = "NETWORK", value_parser = PossibleValuesParser::new(names()))]
    pub network: String,
    /// A published .pth, a .safetensors or .onnx file, or a folder with one
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How to install them.
    #[command(flatten)]
    pub installation: Installation,
}

/// How weights are installed.
#[derive(Debug, Args)]
pub struct Installation {
    /// Keep layers up to this one [default: the deepest that a fit takes by default]
    #[arg(long, value_name = "LAYER", value_parser = PossibleValuesParser::new(last_layers()), help_heading = DATA)]
    pub last_layer: Option<String>,
    /// Accept a .pth that is not the published file: weights of your own training
    #[arg(long, help_heading = DATA)]
    pub unverified: bool,
    /// Folder to install into [default: PATCHCORE_CACHE or the user's cache]
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub to: Option<PathBuf>,
    /// Fetch again what is installed already (import always replaces)
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}

/// The networks whose weights are published.
fn names() -> Vec<&'static str> {
    published().map(|network| network.name).collect()
}
