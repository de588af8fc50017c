//! One count, as it stands in the table.

use serde::{Deserialize, Serialize};

/// The instructions of a stage, with what they depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The stage, as `benches/examples/one_stage.rs` names it.
    pub stage: String,
    /// The instruction set that ran the kernels.
    pub instruction_set: String,
    /// Instructions of one call.
    pub instructions: u64,
    /// The compiler.
    pub rustc: String,
    /// The processor; some of the C library's functions differ between processors.
    pub processor: String,
}

impl Row {
    /// Whether both are of one stage and instruction set.
    pub fn is_of(&self, other: &Self) -> bool {
        (&self.stage, &self.instruction_set) == (&other.stage, &other.instruction_set)
    }
}
