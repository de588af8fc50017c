//! What is to be computed: modes, rules, views and networks as plain values that serde writes and reads.
//!
//! Nothing here computes. The method (`patchcore-core`), the kernels of the CPU, whoever reads photos and whoever reads weights
//! depend on this crate and not on each other. A [`PatchCoreConfig`] holds every rule resolved; [`PatchCoreConfig::check`]
//! makes it a [`Checked`] one, from which alone a fit and a model are made. [`mode`] has the table of what the three published
//! PatchCores compute.
//!
//! # Stability
//! Stable: versions follow semantic versioning, and the changelog begins each version with what breaks.

pub mod backbone;
mod bank_dtype;
mod bank_size;
mod checked;
mod copies;
mod described;
mod earlier;
mod error;
mod member_config;
pub mod mode;
mod network_precision;
mod patchcore_config;
mod rule_by_name;
mod rules;
mod rules_name;
mod view;

pub use backbone::{
    Architecture, BackboneWeights, CATALOGUE, NamedTensor, Network, NetworkWeights, OwnLevel, OwnNetwork,
};
pub use bank_dtype::BankDtype;
pub use bank_size::BankSize;
pub use checked::Checked;
pub use copies::{Copies, Turned};
pub use earlier::EarlierConfig;
pub use error::ConfigError;
pub use member_config::{DEFAULT_PATCH_SIZE, MemberConfig, PATCH_SIZES};
pub use mode::{MODES, Mode};
pub use network_precision::{NETWORK_PRECISIONS, NetworkPrecision};
pub use patchcore_config::{INPUT_SIDES, PatchCoreConfig, TILED_SIDES};
pub use rules::{
    Border, Distance, EmbeddingRule, ImageScoreRule, LevelScaling, PUBLISHED_EMBED_DIMENSION, ProjectionRule,
    Smoothing, StartRule, Upsampling, Weighting,
};
pub use view::{
    Crop, Grid, InputSizes, Normalization, Pad, Region, RegionError, Resampling, Resize, Size, TileSpan, Tiling, View,
};
