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
    /// How the precision came about where it was left to a measurement; the command line has the one that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision_choice: Option<String>,
}
