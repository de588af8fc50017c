//! The window that a step slides over its input: size, stride, zeros around.

use super::map_shape::MapShape;

/// How a step pads its input with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The same number of pixels on all four sides.
    Symmetric(usize),
    /// TensorFlow's "same": output side = ceil(side / stride); an odd pixel goes to the bottom and the right.
    Same,
}

impl Padding {
    /// Zeros before and after an axis of `side` pixels.
    pub fn before_after(self, side: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Padding::Symmetric(pad) => (pad, pad),
            Padding::Same => {
                let total = ((side.div_ceil(stride).max(1) - 1) * stride + kernel).saturating_sub(side);
                (total / 2, total - total / 2)
            }
        }
    }

    /// Output pixels of an axis of `side` input pixels.
    pub fn output_side(self, side: usize, kernel: usize, stride: usize) -> usize {
        let (before, after) = self.before_after(side, kernel, stride);
        (side + before + after).saturating_sub(kernel) / stride + 1
    }
}

/// Size, stride and padding of a step, the same on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Side of the square kernel, at least 1.
    pub kernel: usize,
    /// Input pixels from one output pixel to the next, at least 1.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
}

impl Window {
    /// Zeros before and after an axis of `side` pixels.
    pub fn before_after(self, side: usize) -> (usize, usize) {
        self.padding.before_after(side, self.kernel, self.stride)
    }

    /// The map of `channels` channels that comes out of `input`.
    pub fn output(self, channels: usize, input: MapShape) -> MapShape {
        let side = |side| self.padding.output_side(side, self.kernel, self.stride);
        MapShape { channels, height: side(input.height), width: side(input.width) }
    }
}
