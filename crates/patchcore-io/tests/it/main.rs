//! Behaviour of the crate from outside, one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml excuses only what stands inside a #[test] function"
)]

#[cfg(feature = "image")]
mod as_they_are;
#[cfg(all(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp"))]
mod bad_input;
#[cfg(feature = "image")]
mod buffers;
mod data_sets;
mod folders;
#[cfg(all(feature = "bmp", feature = "jpeg", feature = "png", feature = "tiff", feature = "webp"))]
mod formats;
#[cfg(all(feature = "jpeg", feature = "png"))]
mod golden;
mod identity;
#[cfg(feature = "jpeg")]
mod jpeg_layouts;
mod left_out;
#[cfg(feature = "csv")]
mod manifests;
mod masks;
#[cfg(feature = "jpeg")]
mod orientation;
#[cfg(feature = "image")]
mod resize;
#[cfg_attr(not(feature = "image"), allow(dead_code, reason = "what the tests of `image`'s pictures need"))]
mod samples;
#[cfg(feature = "tiff")]
mod tiffs;
