//! What ships with PatchCore: demo images, weights registry, embedded default backbone.

#[cfg(feature = "demo")]
mod demo;

#[cfg(feature = "demo")]
pub use demo::{DemoFile, demo_files};

/// EfficientNet-Lite0 up to block 7, BatchNorm folded, f16, as safetensors. See NOTICES.md for its origin.
#[cfg(feature = "efficientnet-lite0")]
pub const EFFICIENTNET_LITE0: &[u8] = include_bytes!("../efficientnet_lite0.safetensors");
