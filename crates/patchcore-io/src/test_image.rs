//! One photo of a test set.

use std::path::PathBuf;

/// A test photo with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestImage {
    /// The file.
    pub path: PathBuf,
    /// The file from the category's folder, with forward slashes on every system: `test/blowhole/x.jpg`.
    pub relative: String,
    /// The folder under `test`: `good` or the kind of defect.
    pub kind: String,
    /// Whether the kind is not `good`.
    pub is_anomalous: bool,
    /// `ground_truth/<kind>/<name>_mask.<extension>`; `None` for a good photo, or when there is none.
    pub mask: Option<PathBuf>,
}
