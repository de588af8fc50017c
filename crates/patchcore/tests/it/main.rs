//! Behaviour of the whole library: golden vectors of the published codes, model files, bad input, memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod as_they_are;
mod bad_input;
#[path = "../../examples/burn_tensors.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod burn_tensors;
mod calibration;
mod devices;
mod golden;
mod model_files;
mod part;
mod pipeline;
mod regions;
