//! Behaviour of the report from the public API: pictures, and pages that are complete in themselves, safe against
//! hostile names and well formed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

mod markup;
mod pages;
mod pictures;
