//! From pixels in `[0, 1]` to the network's input: geometry settings and ImageNet normalisation.

mod normalization;
mod view;

pub use normalization::Normalization;
pub use view::{Resampling, Resize, Size, View};
