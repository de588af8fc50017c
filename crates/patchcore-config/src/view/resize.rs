//! How a photo is resized: to which size, and by which arithmetic.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Size;

/// The resize that comes before the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The photo keeps its own size.
    Keep,
    /// The short side becomes this many pixels, the long side `int(long * n / short)`: torchvision's `Resize(n)`.
    Short(u32),
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

impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resampling::Pil8Bit => "pil8_bit",
            Resampling::Native => "native",
            Resampling::Float => "float",
        })
    }
}
