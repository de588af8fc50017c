//! What is to be computed: modes, rules, views and networks as plain values that serde writes and reads.
//!
//! Nothing here computes. The method (`patchcore-core`), the kernels of the CPU, whoever reads photos and whoever reads weights
//! depend on this crate and not on each other. A [`PatchCoreConfig`] is checked by [`PatchCoreConfig::check`]; [`mode`] has the
//! table of what the three published PatchCores compute.

pub mod backbone;
mod bank_dtype;
mod error;
pub mod mode;
mod patchcore_config;
mod view;

pub use backbone::{ARCHITECTURES, Architecture, BackboneWeights, NamedTensor};
pub use bank_dtype::BankDtype;
pub use error::ConfigError;
pub use mode::{
    Border, Distance, EmbeddingRule, ImageScoreRule, MODES, Mode, PUBLISHED_EMBED_DIMENSION, ProjectionRule, StartRule,
    Upsampling,
};
pub use patchcore_config::{DEFAULT_PATCH_SIZE, INPUT_SIDES, PATCH_SIZES, PatchCoreConfig};
pub use view::{Grid, Normalization, Pad, Region, RegionError, Resampling, Resize, Size, TileSpan, Tiling, View};
