//! What was done to a model after its fit, and what became of its thresholds.

use patchcore_metrics::threshold::Thresholds;
use serde::{Deserialize, Serialize};

/// A change of a model's memory banks: the file's audit trail, oldest first. The fit itself is the first entry of a model that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// When, as the caller writes dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Version of the crate that did it.
    pub written_by: String,
    /// Number of training photos after it.
    pub photos: usize,
    /// Photos that came by an extension, by name; a merge has a whole fit's, which the photos of the model are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<ChangedPhoto>,
    /// Photos that were forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<ChangedPhoto>,
    /// Rows of each member's bank after it.
    pub rows: Vec<usize>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// The fit.
    Fit,
    /// Photos were added.
    Extend,
    /// Photos were taken out.
    Forget,
    /// Models became one.
    Merge,
}

impl ChangeKind {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Fit => "fit",
            ChangeKind::Extend => "extend",
            ChangeKind::Forget => "forget",
            ChangeKind::Merge => "merge",
        }
    }
}

/// A photo of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedPhoto {
    /// Its name, as the model was given it.
    pub name: String,
    /// The digest of its pixels, 64 hex digits, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Thresholds whose promise a change of the banks has broken. They stand apart from `thresholds`, so that no reader judges by them
/// unasked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StaleThresholds {
    /// What they were.
    pub thresholds: Thresholds,
    /// What broke them.
    pub since: ChangeKind,
}
