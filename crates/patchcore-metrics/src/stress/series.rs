//! Kinds of change with their levels, as stress.json has them.

use serde::{Deserialize, Serialize};

use super::outcome::StressOutcome;

/// One kind of change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressSeries {
    /// Its name: `light`.
    pub kind: String,
    /// What a level says, with its unit.
    pub about: String,
    /// The level of a photo as it is.
    pub unchanged: f64,
    /// By rising level.
    pub levels: Vec<StressLevel>,
}

/// One level of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressLevel {
    /// The level.
    pub level: f64,
    /// The level as a table shows it: `x0.85`, `18 px`.
    pub label: String,
    /// The change as a sentence names it: `15 % less light`.
    pub words: String,
    /// What it does.
    #[serde(flatten)]
    pub outcome: StressOutcome,
}
