//! One photo of a test set.

use std::path::PathBuf;

use crate::MaskFault;

/// A test photo with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestImage {
    /// The file.
    pub path: PathBuf,
    /// The file from the data set's folder, with forward slashes on every system: `test/blowhole/x.jpg`.
    pub relative: String,
    /// The kind of defect, as the data set calls it: mostly the name of a folder. `good` for every photo of a good part,
    /// whatever the data set calls these.
    pub kind: String,
    /// Whether the part is defective.
    pub is_anomalous: bool,
    /// The files that together are the ground truth; empty for a good photo, and where [`TestImage::mask_fault`] says why there
    /// is none.
    pub masks: Vec<PathBuf>,
    /// Why a defective photo has no ground truth.
    pub mask_fault: Option<MaskFault>,
}
