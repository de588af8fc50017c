//! Behaviour of the weights reader on real exports, damaged files and hostile bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod embedded;
mod encode;
mod fixtures;
mod hostile;
mod load;
mod networks;
mod onnx_exports;
mod other_networks;
mod shared_trunk;
