//! What is known of a device.

use patchcore_core::self_check::Check;
use serde::{Deserialize, Serialize};

/// What came of trying a device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// A process is checking it, or was ended while it checked.
    #[serde(rename = "asking")]
    Checking { process: u32 },
    /// The results of its self-check.
    #[serde(rename = "answered")]
    Checked { checks: Vec<Check> },
    /// A process that tried it was ended.
    Crashed { how: String },
}
