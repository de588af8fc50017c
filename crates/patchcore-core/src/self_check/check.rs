//! The answer to one question.

use serde::{Deserialize, Serialize};

/// One test case and how far the device's result was off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The operation.
    pub operation: String,
    /// Largest deviation, relative to the largest expected value.
    pub found: f64,
    /// Largest deviation allowed.
    pub tolerance: f64,
}

impl Check {
    /// Whether the result was right; a deviation that is not a number is wrong.
    pub fn passed(&self) -> bool {
        self.found <= self.tolerance
    }
}
