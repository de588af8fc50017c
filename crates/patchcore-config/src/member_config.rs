//! One member of a model: a network, what is tapped of it, and the rules of its memory bank.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::backbone::Architecture;
use crate::error::ConfigError;
use crate::rules::{EmbeddingRule, ProjectionRule, StartRule};
use crate::view::Normalization;

/// What a photo goes through on its way to one memory bank. [`Mode::member`](crate::Mode::member) gives the published rules for
/// a backbone and its layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MemberConfig {
    /// The frozen network.
    pub backbone: Architecture,
    /// Feature levels in network order. Default: strides 8 and 16 (the paper's j and j + 1).
    pub layers: Vec<String>,
    /// Mean and standard deviation of the input. Default: the backbone's own.
    pub normalization: Normalization,
    /// Side of a patch's neighbourhood, in cells of its level: the paper's p. Default 3.
    pub patch_size: u32,
    /// The embedding. Default: the mode's, for these layers.
    pub embedding: EmbeddingRule,
    /// What the coreset is selected on.
    pub projection: ProjectionRule,
    /// How the selection starts.
    pub start: StartRule,
    /// Factor of this member's map in the joint map of all members, greater than 0. Default 1.
    pub weight: f32,
}

impl MemberConfig {
    /// Input pixels per cell of the finest and of the deepest level.
    pub fn strides(&self) -> (u32, u32) {
        let strides = self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer));
        let strides = strides.map(|(_, stride)| stride as u32);
        (strides.clone().min().unwrap_or(1), strides.max().unwrap_or(1))
    }

    /// Channels of all layers together.
    pub fn channels(&self) -> usize {
        self.layers.iter().filter_map(|layer| self.backbone.layer_shape(layer)).map(|(channels, _)| channels).sum()
    }

    /// Values per embedding row.
    pub fn embedding_dim(&self) -> usize {
        match self.embedding {
            EmbeddingRule::AdaptivePool(dim) => dim,
            EmbeddingRule::Concatenate => self.channels(),
        }
    }

    /// Every rule and its value, in words: what [`PatchCoreConfig::rules_name`](crate::PatchCoreConfig::rules_name) compares.
    pub(crate) fn rules(&self) -> [(&'static str, String); 4] {
        [
            ("patch_size", self.patch_size.to_string()),
            ("embedding", self.embedding.to_string()),
            ("projection", self.projection.to_string()),
            ("start", self.start.to_string()),
        ]
    }

    /// The first parameter at fault.
    pub(crate) fn verify(&self) -> Result<(), ConfigError> {
        let out_of_range =
            |parameter, found: String, expected| Err(ConfigError::OutOfRange { parameter, found, expected });
        self.backbone.plan(&self.layers)?;
        if self.patch_size != 3 {
            return out_of_range("patch_size", self.patch_size.to_string(), "3, the published neighbourhood");
        }
        if let EmbeddingRule::AdaptivePool(dim) = self.embedding
            && !(1..=65_536).contains(&dim)
        {
            return out_of_range("embedding", dim.to_string(), "a dimension from 1 to 65536");
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
        let Normalization { mean, std } = self.normalization;
        if mean.iter().chain(&std).any(|value| !value.is_finite()) || std.iter().any(|value| *value <= 0.0) {
            let found = format!("{mean:?} / {std:?}");
            return out_of_range("normalization", found, "finite means and positive deviations");
        }
        Ok(())
    }
}

/// The network and its layers, and the weight where it is not 1.
impl fmt::Display for MemberConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, layers {}", self.backbone.name(), self.layers.join(", "))?;
        if self.weight == 1.0 { Ok(()) } else { write!(f, ", weight {}", self.weight) }
    }
}
