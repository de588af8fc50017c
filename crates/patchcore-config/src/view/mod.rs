//! What the network sees of a photo: resize, crop, padding, tiles, region, normalisation. Plain settings, stored in the model
//! file; `patchcore-io` carries them out.

mod grid;
mod normalization;
mod pad;
mod region;
mod resize;
mod size;
mod tiling;

use serde::{Deserialize, Serialize};

pub use grid::Grid;
pub use normalization::Normalization;
pub use pad::Pad;
pub use region::{Region, RegionError};
pub use resize::{Resampling, Resize};
pub use size::Size;
pub use tiling::{TileSpan, Tiling};

/// Resize, then centre crop, then padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The resize before the crop.
    pub resize: Resize,
    /// How the resize computes.
    pub resampling: Resampling,
    /// Centre crop after the resize: offset `round((side - crop) / 2)`, ties to even, as torchvision does.
    /// A side smaller than the crop is padded with zeros (torchvision does the same). `None`: nothing is cut off.
    pub crop: Option<Size>,
    /// Padding of a view without a crop, so that no border pixel is lost. Default: none.
    #[serde(default, skip_serializing_if = "Pad::is_none")]
    pub pad: Pad,
}
