//! What is cut off a photo after the resize.

use serde::{Deserialize, Serialize};

use super::Size;

/// The crop that comes after the resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// Nothing is cut off.
    Keep,
    /// The centre: offset `round((side - crop) / 2)`, ties to even, as torchvision does. A side smaller than the crop is
    /// padded with zeros (torchvision does the same).
    Center(Size),
}
