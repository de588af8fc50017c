//! How results came about, so that they can be made again: in metrics.json, stress.json and run.json.

use serde::{Deserialize, Serialize};

/// One run of the program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunNote {
    /// What gives the same results again: the program, its command, and every option that decides them, with whole paths; without the
    /// place of the results.
    pub command_line: Vec<String>,
    /// Whole path of the data.
    pub data: String,
    /// Whole path of the model's file.
    pub model_path: String,
    /// Whose pixels the maps have: `input` or `original`.
    pub geometry: String,
    /// Version of the program.
    pub program: String,
    /// When, as `2026-03-09 14:05 UTC`.
    pub written: String,
}
