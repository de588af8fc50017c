//! The smoothing at the edge of the anomaly map, on which section 3.3 of the paper is silent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the Gaussian sees beyond the map's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// `d c b a | a b c d | d c b a`: scipy's "reflect".
    ReflectEdgeRepeated,
    /// `d c b | a b c d | c b a`: torch's "reflect".
    ReflectEdgeOnce,
}

impl fmt::Display for Border {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Border::ReflectEdgeRepeated => "reflect_edge_repeated",
            Border::ReflectEdgeOnce => "reflect_edge_once",
        })
    }
}
