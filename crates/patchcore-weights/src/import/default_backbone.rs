//! The name of the network that is embedded by default, which lists and messages put first.

/// Name of the embedded default backbone.
pub const EFFICIENTNET_LITE0: &str = "efficientnet_lite0";
