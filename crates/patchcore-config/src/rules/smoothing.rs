//! What follows the growth of the anomaly map: section 3.3 of the paper, "smoothed with a Gaussian of kernel width 4".

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the grown map is smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Smoothing {
    /// The map as it has grown.
    None,
    /// A Gaussian, cut at four standard deviations; what it sees beyond the edge is the [`Border`](crate::Border).
    Gaussian {
        /// Standard deviation in pixels of the network's input, greater than 0. The published value is 4.
        sigma: f64,
    },
}

impl fmt::Display for Smoothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Smoothing::None => f.write_str("none"),
            Smoothing::Gaussian { sigma } => write!(f, "gaussian of sigma {sigma}"),
        }
    }
}
