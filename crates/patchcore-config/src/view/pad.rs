//! Padding around a photo, so that no border pixel is lost.

use serde::{Deserialize, Serialize};

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
    /// A side with its padding; `u32::MAX` where that is longer than any photo can be.
    ///
    /// # Panics
    /// For a multiple of 0, which a configuration refuses.
    pub fn padded(self, side: u32) -> u32 {
        match self {
            Pad::None => side,
            Pad::ToMultiple(multiple) => {
                assert!(multiple > 0, "a side cannot be padded to a multiple of 0");
                side.checked_next_multiple_of(multiple).unwrap_or(u32::MAX)
            }
        }
    }
}
