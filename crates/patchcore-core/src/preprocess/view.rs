//! How a photo's geometry becomes the network's input: resize, crop, and the resampling rule. Plain
//! settings, stored in the model file; `patchcore-io` carries them out.

use serde::{Deserialize, Serialize};

/// A width and a height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The resize that comes before the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Keep the photo's own size.
    None,
    /// The short side becomes this many pixels, the long side `int(long * n / short)`: torchvision's `Resize(n)`.
    ShortSide(u32),
    /// Both sides are given; the aspect ratio is not kept.
    Exact(Size),
}

/// The arithmetic of the antialiased bilinear resize (triangle filter whose support grows when shrinking).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// PIL on 8-bit images: horizontal pass, then vertical, each in 22-bit fixed point, rounded to 8 bits
    /// in between. Equal to PIL to the pixel value.
    Pil8Bit,
    /// The same filter in f32 without rounding between or after the passes, as torch's
    /// `interpolate(antialias=True)` computes it (anomalib).
    Float,
}

/// Resize, then centre crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The resize before the crop.
    pub resize: Resize,
    /// How the resize computes.
    pub resampling: Resampling,
    /// Centre crop after the resize: offset `round((side - crop) / 2)`, ties to even, as torchvision does.
    /// A side smaller than the crop is padded with zeros (torchvision does the same). `None`: nothing is cut off.
    pub crop: Option<Size>,
}
