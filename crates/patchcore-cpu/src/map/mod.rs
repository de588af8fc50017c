//! The anomaly map: upsampling and smoothing as two small matrices, which `patchcore-core` computes, applied to patch scores.

mod banded;
mod grow;

pub use banded::Banded;
pub use grow::grow_map;
