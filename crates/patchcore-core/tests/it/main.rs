//! Behaviour of the core: both implementations of the backbone against torch, and what a call allocates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod allocations;
mod arrays;
mod bank_from_elsewhere;
mod counting_allocator;
mod efficientnet_lite0;
mod formula;
mod implementations;
mod resnets;
