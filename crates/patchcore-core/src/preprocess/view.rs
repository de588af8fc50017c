//! How a photo's geometry becomes the network's input: resize, crop, padding, and the resampling rule. Plain
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
    /// in between. Equal to PIL to the pixel value. 16-bit photos are rounded to 8 bits first (PIL itself cuts them off at
    /// 255, which nobody wants).
    Pil8Bit,
    /// [`Resampling::Pil8Bit`] for photos of 8 bits, [`Resampling::Float`] for those of more: a camera's 12 or 16 bits
    /// are kept until the normalisation.
    Native,
    /// The same filter in f32 without rounding between or after the passes, as torch's
    /// `interpolate(antialias=True)` computes it (anomalib).
    Float,
}

/// What is added around the photo after resize and crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pad {
    /// Nothing: where a side is no multiple of the network's stride, the last grid cell covers less than a cell's
    /// pixels, and the two levels lie up to half a cell apart.
    #[default]
    None,
    /// Both sides grow to a multiple of this many pixels, the deepest stride. The photo is reflected into the padding
    /// (`c b | a b c`), half of it on each side, the odd pixel at the right and the bottom. Every cell then covers whole
    /// pixels. Cells that lie in the padding altogether are neither fitted nor scored; those that it touches are.
    ToMultiple(u32),
}

impl Pad {
    /// Whether nothing is added, as in every view that does not ask for it.
    pub fn is_none(&self) -> bool {
        *self == Pad::None
    }

    /// A side with its padding.
    pub fn padded(self, side: u32) -> u32 {
        match self {
            Pad::None => side,
            Pad::ToMultiple(multiple) => side.checked_next_multiple_of(multiple.max(1)).unwrap_or(side),
        }
    }
}

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
