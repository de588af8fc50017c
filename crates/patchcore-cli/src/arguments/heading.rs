//! Headings under which `--help` groups options, the same in every command.

/// What is read: photos, masks, a model.
pub const DATA: &str = "Data";
/// How a photo becomes the network's input.
pub const VIEW: &str = "View";
/// What is computed.
pub const MODEL: &str = "Model";
/// Where it is computed, and with what.
pub const COMPUTE: &str = "Compute";
/// Where the verdict changes.
pub const THRESHOLD: &str = "Thresholds";
/// What is measured.
pub const METRICS: &str = "Metrics";
/// What is written and printed.
pub const OUTPUT: &str = "Output";
/// What every command has.
pub const GENERAL: &str = "General";
