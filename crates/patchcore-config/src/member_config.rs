//! One member of a model: a network, what is tapped of it, and the rules of its memory bank.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::backbone::Network;
use crate::error::ConfigError;
use crate::network_precision::NetworkPrecision;
use crate::rules::{EmbeddingRule, LevelScaling, ProjectionRule, StartRule, Weighting};
use crate::view::{Normalization, Size};

/// What the rule `grid_layer` is called where no layer is named.
pub(crate) const FINEST: &str = "the finest";

/// Side of a patch in the paper and in both published codes, in cells.
pub const DEFAULT_PATCH_SIZE: usize = 3;

/// Smallest and largest side of a patch, in cells; only odd ones have a cell in the middle, so that the grid stays as it is.
pub const PATCH_SIZES: std::ops::RangeInclusive<usize> = 1..=15;

/// What a photo goes through on its way to one memory bank. [`Mode::member`](crate::Mode::member) gives the published rules for
/// a backbone and its layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MemberConfig {
    /// The frozen network.
    pub backbone: Network,
    /// Feature levels in network order. Default: strides 8 and 16 (the paper's j and j + 1).
    pub layers: Vec<String>,
    /// Mean and standard deviation of the input. Default: the backbone's own.
    pub normalization: Normalization,
    /// Side of a patch, in cells of each level: the paper's p; odd, 1 to 15. Default 3.
    pub patch_size: usize,
    /// The embedding. Default: the mode's, for these layers.
    pub embedding: EmbeddingRule,
    /// What the coreset is selected on.
    pub projection: ProjectionRule,
    /// How the selection starts.
    pub start: StartRule,
    /// Factor of this member's map in the joint map of all members, greater than 0. Default 1.
    pub weight: f32,
    /// The layer on whose grid the patches lie: deeper ones are mixed bilinearly onto it, cells of finer ones averaged. Default: the
    /// finest of the layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid_layer: Option<String>,
    /// How the levels are scaled against each other. Default: not at all.
    #[serde(default = "not_scaled", skip_serializing_if = "LevelScaling::is_none")]
    pub level_scaling: LevelScaling,
    /// Where the weight comes from. Default: it is given.
    #[serde(default, skip_serializing_if = "Weighting::is_as_given")]
    pub weighting: Weighting,
    /// The number format in which the network computes. Members that are to share a network have the same one. Default f32.
    #[serde(default, skip_serializing_if = "NetworkPrecision::is_f32")]
    pub network_precision: NetworkPrecision,
}

fn not_scaled() -> LevelScaling {
    LevelScaling::None
}

impl MemberConfig {
    /// Input pixels per cell of the patches' grid and of the deepest level.
    pub fn strides(&self) -> (u32, u32) {
        let strides = self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        let strides = strides.map(|(_, stride)| stride as u32);
        let grid = self.grid_layer.as_ref().and_then(|layer| self.backbone.layer_shape(layer));
        let grid = grid.map(|(_, stride)| stride as u32).or_else(|| strides.clone().min());
        (grid.unwrap_or(1), strides.max().unwrap_or(1))
    }

    /// Channels of each layer.
    pub fn channels_of_layers(&self) -> Vec<usize> {
        let shapes = self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        shapes.map(|(channels, _)| channels).collect()
    }

    /// Channels of all layers together.
    pub fn channels(&self) -> usize {
        self.channels_of_layers().iter().sum()
    }

    /// Values per embedding row.
    pub fn embedding_dim(&self) -> usize {
        self.embedding.dim(self.channels())
    }

    /// The side of a patch and its embedding in words.
    pub(crate) fn patch(&self) -> String {
        let side = self.patch_size;
        let grid = self.grid_layer.as_ref().map_or_else(String::new, |layer| format!(", on the grid of {layer}"));
        let scaled = match self.level_scaling {
            LevelScaling::None => "",
            LevelScaling::EqualVariance { .. } => ", levels of equal variance",
        };
        let pooled = match self.embedding {
            EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } => {
                format!(
                    "{side} x {side} cells, pooled to {pretrain_embed_dimension}, then {target_embed_dimension} values"
                )
            }
            EmbeddingRule::Concatenate => {
                format!("{side} x {side} cells, mean of each of {} channels", self.channels())
            }
        };
        format!("{pooled}{grid}{scaled}")
    }

    /// Every rule and its value, in words: what [`PatchCoreConfig::rules_name`](crate::PatchCoreConfig::rules_name) compares.
    pub(crate) fn rules(&self) -> [(&'static str, String); 8] {
        [
            ("patch_size", self.patch_size.to_string()),
            ("embedding", self.embedding.to_string()),
            ("projection", self.projection.to_string()),
            ("start", self.start.to_string()),
            ("grid_layer", self.grid_layer.clone().unwrap_or_else(|| FINEST.to_owned())),
            ("level_scaling", self.level_scaling.to_string()),
            ("weighting", self.weighting.to_string()),
            ("network_precision", self.network_precision.to_string()),
        ]
    }

    /// The first parameter at fault.
    pub(crate) fn verify(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        self.backbone.verify(&self.layers)?;
        if !PATCH_SIZES.contains(&self.patch_size) || self.patch_size.is_multiple_of(2) {
            return out_of_range("patch_size", self.patch_size.to_string(), "an odd number of cells from 1 to 15");
        }
        if let EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } = self.embedding {
            for (parameter, dim) in [
                ("pretrain_embed_dimension", pretrain_embed_dimension),
                ("target_embed_dimension", target_embed_dimension),
            ] {
                if !(1..=65_536).contains(&dim) {
                    return out_of_range(parameter, dim.to_string(), "a dimension from 1 to 65536");
                }
            }
        }
        match self.projection {
            ProjectionRule::Dense(dim) if !(1..=65_536).contains(&dim) => {
                return out_of_range("projection", dim.to_string(), "a dimension from 1 to 65536");
            }
            // Outside, the bound on the dimension is negative or infinite.
            ProjectionRule::Sparse { eps } if !(eps > 0.0 && eps < 1.5) => {
                return out_of_range("projection", format!("eps {eps}"), "a distortion in (0, 1.5), for example 0.9");
            }
            _ => {}
        }
        if self.start == StartRule::MeanOfRandomRows(0) {
            return out_of_range("start", "the mean of 0 random rows".to_owned(), "at least one row, for example 10");
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return out_of_range("weight", self.weight.to_string(), "a finite factor greater than 0, for example 1");
        }
        self.verify_levels()?;
        if !self.network_precision.is_f32() && self.backbone.architecture().is_none() {
            let found = format!("{} with the network {}", self.network_precision, self.backbone.name());
            return out_of_range("network_precision", found, "f32: an application's own network computes for itself");
        }
        if !self.network_precision.is_f32()
            && let Some(step) = self.backbone.plan(&self.layers)?.not_reducible()
        {
            let (backbone, step) = (self.backbone.name().to_owned(), step.name().to_owned());
            return Err(ConfigError::NotReducible { backbone, precision: self.network_precision.name(), step });
        }
        let Normalization { mean, std } = self.normalization;
        if mean.iter().chain(&std).any(|value| !value.is_finite()) || std.iter().any(|value| *value <= 0.0) {
            let found = format!("{mean:?} / {std:?}");
            return out_of_range("normalization", found, "finite means and positive deviations");
        }
        Ok(())
    }
}

impl MemberConfig {
    /// Whether the network's maps cover an input of such a size.
    pub(crate) fn verify_size(&self, size: Size) -> Result<(), ConfigError> {
        let Some(architecture) = self.backbone.architecture() else { return Ok(()) };
        match architecture.plan(&self.layers)?.check_sides(size.height as usize, size.width as usize) {
            Ok(()) => Ok(()),
            Err(_) => {
                let (backbone, multiple) = (self.backbone.name().to_owned(), self.strides().1);
                Err(ConfigError::OddGrid { backbone, width: size.width, height: size.height, multiple })
            }
        }
    }

    /// The grid that the patches lie on, and the factors of the levels.
    fn verify_levels(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        let stride = |layer: &String| self.backbone.layer_shape(layer).map_or(1, |(_, stride)| stride);
        if let Some(grid) = &self.grid_layer {
            if !self.layers.contains(grid) {
                let found = format!("{grid} with the layers {}", self.layers.join(", "));
                return out_of_range("grid_layer", found, "one of the layers");
            }
            let on_grid = stride(grid);
            let finer = |layer: &&String| stride(layer) < on_grid && !on_grid.is_multiple_of(stride(layer));
            if let Some(layer) = self.layers.iter().find(finer) {
                let found = format!("{grid} of stride {on_grid} with {layer} of stride {}", stride(layer));
                return out_of_range("grid_layer", found, "a layer whose stride is a multiple of every finer one's");
            }
        }
        let factors = self.level_scaling.factors();
        let usable = |factor: &f32| factor.is_normal() && *factor > 0.0;
        if !factors.is_empty() && (factors.len() != self.layers.len() || !factors.iter().all(usable)) {
            let found = format!("{factors:?} for {} layers", self.layers.len());
            return out_of_range("level_scaling", found, "one finite factor greater than 0 for each layer");
        }
        Ok(())
    }
}

/// The network and its layers, its number format where it is not f32, and the weight where it is not 1.
impl fmt::Display for MemberConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, layers {}", self.backbone.name(), self.layers.join(", "))?;
        if !self.network_precision.is_f32() {
            write!(f, ", in {}", self.network_precision)?;
        }
        if self.weight == 1.0 { Ok(()) } else { write!(f, ", weight {}", self.weight) }
    }
}
