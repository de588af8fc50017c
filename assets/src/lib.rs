//! What ships with PatchCore: demo images, weights registry, small backbones, the font of the report's pictures.
//!
//! # Stability
//! Not stable: a part of `patchcore`, published because that depends on it, which any version may change. What `patchcore`
//! re-exports of it is as stable as `patchcore`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "demo")]
mod demo;

#[cfg(feature = "demo")]
pub use demo::{DemoFile, demo_files};

/// This package's folder on the machine that builds, for build scripts: `efficientnet_lite0.safetensors` to
/// `efficientnet_lite2.safetensors` lie in it (up to stride 16, BatchNorm folded, f16; NOTICES.md has their origin).
pub const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Noto Sans with the letters of Latin, Greek and Cyrillic, as TrueType. See NOTICES.md for its origin and `font/OFL.txt`
/// for its licence.
#[cfg(feature = "font")]
pub const FONT: &[u8] = include_bytes!("../font/NotoSans-subset.ttf");

/// The registry of published weights (TOML): `patchcore-fetch` reads it.
#[cfg(feature = "weights")]
pub const WEIGHTS: &str = include_str!("../weights.toml");
