//! The unit of scores: equation 6 of the paper (section 3.3) has the Euclidean distance.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a patch score measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Euclidean distance.
    L2,
    /// Its square, as faiss's `IndexFlatL2` returns it.
    SquaredL2,
}

impl Distance {
    /// The distance for a squared L2 distance.
    pub fn of_squared(self, squared: f32) -> f64 {
        match self {
            Distance::L2 => f64::from(squared).sqrt(),
            Distance::SquaredL2 => f64::from(squared),
        }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Distance::L2 => "l2",
            Distance::SquaredL2 => "squared_l2",
        })
    }
}
