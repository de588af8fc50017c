//! What a user sees: one score per pixel.

use serde::{Deserialize, Serialize};

/// One score per pixel of the network's input.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AnomalyMap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Scores in the unit of the model's distance, row-major `[height, width]`.
    pub scores: Vec<f32>,
}

impl AnomalyMap {
    /// The largest score; 0 for an empty map.
    pub fn max(&self) -> f32 {
        self.scores.iter().copied().reduce(f32::max).unwrap_or(0.0)
    }
}
