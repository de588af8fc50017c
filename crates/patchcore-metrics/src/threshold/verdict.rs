//! What a threshold makes of a score.

use serde::{Deserialize, Serialize};

/// Good or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The score is at most the threshold.
    Good,
    /// The score is greater than the threshold.
    Anomalous,
}

impl Verdict {
    /// `good` or `anomalous`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Anomalous => "anomalous",
        }
    }
}
