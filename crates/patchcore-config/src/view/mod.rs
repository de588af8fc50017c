//! What the network sees of a photo: resize, crop, padding, tiles, region, normalisation. Plain settings, stored in the model
//! file; `patchcore-io` carries them out.

mod crop;
mod grid;
mod input_sizes;
mod normalization;
mod pad;
mod region;
mod resize;
mod size;
mod tiling;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crop::Crop;
pub use grid::Grid;
pub use input_sizes::InputSizes;
pub use normalization::Normalization;
pub use pad::Pad;
pub use region::{Region, RegionError};
pub use resize::{Resampling, Resize};
pub use size::Size;
pub use tiling::{TileSpan, Tiling};

/// Resize, then centre crop, then padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The resize before the crop.
    pub resize: Resize,
    /// How the resize computes.
    pub resampling: Resampling,
    /// The crop after the resize.
    pub crop: Crop,
    /// Padding of a view without a crop, so that no border pixel is lost.
    pub pad: Pad,
    /// What sizes a view gives that follows the photo; of no effect with a crop, with padding, and where both sides are given.
    #[serde(default, skip_serializing_if = "InputSizes::is_as_resized")]
    pub sizes: InputSizes,
}

impl View {
    /// A resize alone: no crop, no padding, the size as it comes out.
    pub fn resized(resize: Resize, resampling: Resampling) -> Self {
        Self { resize, resampling, crop: Crop::Keep, pad: Pad::None, sizes: InputSizes::AsResized }
    }

    /// The size of every input, whatever the photo's: the crop's, or that of a resize to both sides, with its padding.
    pub(crate) fn fixed_size(&self) -> Option<Size> {
        match (self.crop, self.resize) {
            (Crop::Center(size), _) => Some(size),
            (Crop::Keep, Resize::Exact(size)) => Some(match self.pad {
                Pad::ToMultiple(multiple) if multiple > 0 => Size {
                    width: size.width.next_multiple_of(multiple),
                    height: size.height.next_multiple_of(multiple),
                },
                _ => size,
            }),
            (Crop::Keep, Resize::Short(_) | Resize::Keep) => None,
        }
    }

    /// Whether the input's size follows the photo's, cell by cell: the aspect ratio is kept, and nothing is cut off or added.
    pub fn follows_the_photo(&self) -> bool {
        !matches!(self.resize, Resize::Exact(_)) && self.crop == Crop::Keep && self.pad == Pad::None
    }
}

/// Resize, crop and padding in words.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resize {
            Resize::Keep => f.write_str("as it is")?,
            Resize::Short(side) => write!(f, "short side to {side}")?,
            Resize::Exact(size) => write!(f, "resized to {size}")?,
        }
        match self.crop {
            Crop::Keep => f.write_str(", no crop")?,
            Crop::Center(size) => write!(f, ", centre crop {size}")?,
        }
        match self.pad {
            Pad::None => {}
            Pad::ToMultiple(multiple) => write!(f, ", padded to multiples of {multiple}")?,
        }
        match &self.sizes {
            InputSizes::WholeCells { stride, .. } if self.follows_the_photo() => {
                write!(f, ", both sides in steps of {stride}")
            }
            _ => Ok(()),
        }
    }
}
