//! How a patch's neighbourhood becomes its feature vector: section 3.1 of the paper, "locally aware patch features".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

/// How a patch's neighbourhood, of `patch_size` cells a side, becomes its feature vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EmbeddingRule {
    /// Each level's patch unfolded (channels x side x side values) and averaged to `pretrain_embed_dimension` values by adaptive
    /// pooling, levels stacked, averaged to `target_embed_dimension`.
    AdaptivePool {
        /// Values of each level after the first pooling. Published: [`PUBLISHED_EMBED_DIMENSION`].
        pretrain_embed_dimension: usize,
        /// Values of a row of the memory bank. Published: [`PUBLISHED_EMBED_DIMENSION`], 384 in the authors' ensemble.
        target_embed_dimension: usize,
    },
    /// Mean of every channel over the patch, levels concatenated.
    Concatenate,
}

/// Both dimensions of the authors' pooling, unless something else is asked for.
pub const PUBLISHED_EMBED_DIMENSION: usize = 1024;

impl EmbeddingRule {
    /// The pooling of the authors' code.
    pub const PUBLISHED: Self = Self::AdaptivePool {
        pretrain_embed_dimension: PUBLISHED_EMBED_DIMENSION,
        target_embed_dimension: PUBLISHED_EMBED_DIMENSION,
    };

    /// The authors' pooling.
    pub fn adaptive_pool(pretrain_embed_dimension: usize, target_embed_dimension: usize) -> Self {
        Self::AdaptivePool { pretrain_embed_dimension, target_embed_dimension }
    }

    /// The rule with the dimensions that somebody asks for. A target dimension asks for the authors' pooling, also where
    /// the rule was to concatenate.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`], for the dimension of a first pooling that would not take place.
    pub fn with_dimensions(self, pretrain: Option<usize>, target: Option<usize>) -> Result<Self, ConfigError> {
        match (self, pretrain, target) {
            (_, None, None) => Ok(self),
            (Self::AdaptivePool { pretrain_embed_dimension, target_embed_dimension }, ..) => Ok(Self::adaptive_pool(
                pretrain.unwrap_or(pretrain_embed_dimension),
                target.unwrap_or(target_embed_dimension),
            )),
            (Self::Concatenate, pretrain, Some(target)) => {
                Ok(Self::adaptive_pool(pretrain.unwrap_or(PUBLISHED_EMBED_DIMENSION), target))
            }
            (Self::Concatenate, Some(pretrain), None) => Err(ConfigError::OutOfRange {
                parameter: "pretrain_embed_dimension",
                found: format!("{pretrain} where the levels are concatenated"),
                expected: "target_embed_dimension beside it, which asks for the authors' pooling",
            }),
        }
    }

    /// Which values of a row come from each level, for levels with so many channels. A value that two levels share
    /// ([`EmbeddingRule::AdaptivePool`] to a dimension that the levels do not divide) counts to the deeper one.
    pub fn values_of_levels(self, channels: &[usize]) -> Vec<std::ops::Range<usize>> {
        let start = |level: usize| match self {
            Self::AdaptivePool { target_embed_dimension, .. } => level * target_embed_dimension / channels.len().max(1),
            Self::Concatenate => channels.iter().take(level).sum(),
        };
        (0..channels.len()).map(|level| start(level)..start(level + 1)).collect()
    }

    /// Values per row for levels with so many channels in all.
    pub fn dim(self, channels: usize) -> usize {
        match self {
            Self::AdaptivePool { target_embed_dimension, .. } => target_embed_dimension,
            Self::Concatenate => channels,
        }
    }
}

impl fmt::Display for EmbeddingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EmbeddingRule::AdaptivePool { pretrain_embed_dimension, target_embed_dimension } => {
                write!(f, "adaptive_pool to {pretrain_embed_dimension}, then {target_embed_dimension}")
            }
            EmbeddingRule::Concatenate => f.write_str("concatenate"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_row_are_divided_among_the_levels() {
        assert_eq!(EmbeddingRule::Concatenate.values_of_levels(&[24, 40, 80]), [0..24, 24..64, 64..144]);
        assert_eq!(EmbeddingRule::PUBLISHED.values_of_levels(&[256, 512, 1024]), [0..341, 341..682, 682..1024]);
        assert_eq!(EmbeddingRule::PUBLISHED.values_of_levels(&[512, 1024]), [0..512, 512..1024]);
    }

    #[test]
    fn a_target_dimension_asks_for_pooling_and_a_first_pooling_needs_one() {
        let published = EmbeddingRule::PUBLISHED;
        assert_eq!(published, EmbeddingRule::adaptive_pool(1024, 1024));
        assert_eq!(published.with_dimensions(None, None), Ok(published));
        assert_eq!(published.with_dimensions(None, Some(384)), Ok(EmbeddingRule::adaptive_pool(1024, 384)));
        assert_eq!(published.with_dimensions(Some(512), None), Ok(EmbeddingRule::adaptive_pool(512, 1024)));
        let concatenate = EmbeddingRule::Concatenate;
        assert_eq!(concatenate.with_dimensions(None, None), Ok(concatenate));
        assert_eq!(concatenate.with_dimensions(None, Some(256)), Ok(EmbeddingRule::adaptive_pool(1024, 256)));
        assert_eq!(concatenate.with_dimensions(Some(512), Some(256)), Ok(EmbeddingRule::adaptive_pool(512, 256)));
        let error = concatenate.with_dimensions(Some(512), None).unwrap_err().to_string();
        assert!(
            error.contains("pretrain_embed_dimension is 512") && error.contains("target_embed_dimension"),
            "{error}"
        );
    }
}
