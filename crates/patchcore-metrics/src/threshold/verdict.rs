//! What a threshold makes of a score.

use serde::{Deserialize, Serialize};

/// Good, not good, or a case for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The score is at most the threshold, and at most the lower one where there is one.
    Good,
    /// The score is greater than the lower threshold and at most the threshold: a person looks again.
    LookAgain,
    /// The score is greater than the threshold.
    Anomalous,
}

impl Verdict {
    /// The name for a reader: `look again`.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::LookAgain => "look again",
            Verdict::Good | Verdict::Anomalous => self.name(),
        }
    }

    /// `good`, `look_again` or `anomalous`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::LookAgain => "look_again",
            Verdict::Anomalous => "anomalous",
        }
    }
}
