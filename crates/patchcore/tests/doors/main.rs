//! The doors of the crate, in every build: what goes in, in which form, on which threads. It needs no Burn.

#![cfg(all(feature = "cpu", feature = "embed-efficientnet-lite0", feature = "png"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

#[path = "../it/part.rs"]
mod part;

mod allocations;
mod bytes;
mod callers;
mod changes;
mod examples;
mod format;
mod int8;
mod own_network;
mod photos;
mod remarks;
mod sizes;
