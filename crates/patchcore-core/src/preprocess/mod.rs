//! From pixels in `[0, 1]` to the network's input: geometry settings and ImageNet normalisation.

mod normalization;
mod region;
mod tiling;
mod view;

pub use normalization::Normalization;
pub use region::{Region, RegionError};
pub use tiling::{TileSpan, Tiling};
pub use view::{Pad, Resampling, Resize, Size, View};
