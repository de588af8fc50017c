//! What a frozen network is to PatchCore: levels, and photos to maps.

use std::fmt::Debug;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{BackboneWeights, NetworkPrecision, Normalization};

use crate::error::BackboneError;

/// One of a network's feature levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Its name, as a configuration spells it (`layer2`).
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Input pixels per cell and axis.
    pub stride: usize,
}

/// The map of one level for one photo.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LevelMap {
    /// Channels.
    pub channels: usize,
    /// Rows of the grid.
    pub height: usize,
    /// Columns of the grid.
    pub width: usize,
    /// `[channels, height, width]`, row-major.
    pub values: Vec<f32>,
}

/// In what a network computes that does not compute in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reduction<'a> {
    /// Weights and maps of 16 bits.
    Bf16,
    /// Weights and maps of 8 bits.
    Int8 {
        /// What the maps may hold.
        ranges: &'a ActivationRanges,
    },
}

impl Reduction<'_> {
    /// The number format's name.
    pub fn precision(&self) -> NetworkPrecision {
        match self {
            Reduction::Bf16 => NetworkPrecision::Bf16,
            Reduction::Int8 { .. } => NetworkPrecision::Int8,
        }
    }
}

/// A frozen network: planes of a photo in, one map per level out.
///
/// Networks of the catalogue are [`PlanBackbone`](super::PlanBackbone)s. An application's own network implements
/// [`Backbone::forward`] and nothing more: grouped convolutions, concatenation, attention and other strides are its own affair.
pub trait Backbone: Debug + Send + Sync {
    /// The name that configurations and model files use.
    fn name(&self) -> &str;

    /// Digest of everything that decides its maps, 64 hex digits: a model is refused with a network of another digest.
    fn sha256(&self) -> &str;

    /// Its levels, in the order of [`Backbone::forward`].
    fn levels(&self) -> &[Level];

    /// The maps of all levels for one photo.
    ///
    /// # Shapes
    /// - `planes`: `[3, height, width]`, row-major, normalised
    /// - result: one map per level, `[channels, ceil(height / stride), ceil(width / stride)]`
    ///
    /// # Errors
    /// [`BackboneError`].
    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError>;

    /// What it expects of its input. A fit stores it in the model.
    fn normalization(&self) -> Normalization {
        Normalization::IMAGENET
    }

    /// The network as a plan of convolutions, and its weights: engines then run it by their own kernels, and
    /// [`Backbone::forward`] is not called. `None` for a network that is no such plan.
    fn plan(&self) -> Option<(&Plan, &BackboneWeights)> {
        None
    }

    /// In what its plan is to be computed; `None` for f32. Whoever gives a network leaves this as it is: a member's
    /// [`network_precision`](patchcore_config::MemberConfig::network_precision) makes a network of fewer bits of it.
    fn reduction(&self) -> Option<Reduction<'_>> {
        None
    }
}
