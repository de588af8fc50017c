//! Published ImageNet weights into the weights directory, verified and converted.
//!
//! ```text
//! FILE|DIR|URL, else the registry's URL -> Source -> download (.part, range, digest) -> Install
//!     Install: .pth | .safetensors | .onnx -> importer of patchcore-weights -> NAME.safetensors + NAME.json
//! ```
//!
//! `patchcore weights` and `cargo xtask fetch-weights` are this code. The only network connections of the project are opened here, with
//! the feature `http`; it honours `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. Without it weights come from files.
//!
//! # Stability
//! Not stable: a part of `patchcore`, published because that depends on it, which any version may change. What `patchcore`
//! re-exports of it is as stable as `patchcore`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod digest;
#[cfg(feature = "http")]
mod download;
mod error;
mod install;
mod manifest;
mod pickle;
mod pth;
mod registry;
mod source;
#[cfg(test)]
#[cfg(feature = "http")]
mod tests;

pub use digest::sha256_hex;
pub use error::FetchError;
pub use install::{Install, Installed};
pub use manifest::{FileRecord, Manifest};
pub use patchcore_weights::{embedded_weights, weights_dir, weights_files};
pub use pth::read_pth;
pub use registry::{Registry, RegistryEntry, last_layers, published};
pub use source::Source;
