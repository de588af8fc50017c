//! Behaviour of the crate from outside, one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod as_they_are;
mod bad_input;
mod buffers;
mod folders;
mod golden;
mod orientation;
mod resize;
mod samples;
