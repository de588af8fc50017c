//! The example's network in a model, and layers of burn-onnx's generated code against those of the importer with both implementations of
//! the network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod layers;
mod narrow;
mod own;
mod real_trunk;
