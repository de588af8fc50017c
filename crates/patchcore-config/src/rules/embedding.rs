//! How a patch's neighbourhood becomes its feature vector: section 3.1 of the paper, "locally aware patch features".

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a patch's neighbourhood becomes its feature vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingRule {
    /// Unfold 3x3, adaptive average pooling of each level to `d` values, levels stacked, pooled to `d` again.
    AdaptivePool(usize),
    /// 3x3 mean of every channel, levels concatenated.
    Concatenate,
}

impl fmt::Display for EmbeddingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EmbeddingRule::AdaptivePool(dim) => write!(f, "adaptive_pool to {dim}"),
            EmbeddingRule::Concatenate => f.write_str("concatenate"),
        }
    }
}
