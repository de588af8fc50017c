//! The random projection of the coreset selection: section 3.2 of the paper, after the theorem of Johnson and Lindenstrauss.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the greedy selection measures its distances on. Bank rows are never projected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionRule {
    /// The embeddings themselves.
    None,
    /// Dense, entries uniform in `±1/sqrt(dim)` (torch's `nn.Linear` initialisation), to this many dimensions.
    Dense(usize),
    /// Sparse, density `1/sqrt(dim)`, to `4 ln(n) / (eps²/2 - eps³/3)` dimensions with this eps.
    Sparse {
        /// Distortion that the Johnson-Lindenstrauss bound allows, in `(0, 1.5)`.
        eps: f64,
    },
}

impl fmt::Display for ProjectionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProjectionRule::None => f.write_str("none"),
            ProjectionRule::Dense(dim) => write!(f, "dense to {dim}"),
            ProjectionRule::Sparse { eps } => write!(f, "sparse with eps {eps}"),
        }
    }
}
