//! What the kernels of a convolution step have in common: its geometry, and the memory it works on.

use super::map::Map;
use patchcore_config::backbone::plan::{Activation, ConvStep, Padding};

/// The numbers of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: Padding,
    /// Lower bound of the activation.
    pub(super) floor: f32,
    /// Upper bound of the activation.
    pub(super) ceiling: f32,
}

impl Geometry {
    /// The geometry of a step of the plan.
    pub(super) fn new(step: &ConvStep) -> Self {
        let (floor, ceiling) = match step.activation {
            Activation::Identity => (f32::NEG_INFINITY, f32::INFINITY),
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
        };
        Self {
            in_channels: step.in_channels,
            out_channels: step.out_channels,
            kernel: step.kernel,
            stride: step.stride,
            padding: step.padding,
            floor,
            ceiling,
        }
    }
}

/// Input, residual and output of a step; each pointer is valid for the images of its map.
pub(super) struct Operands {
    pub(super) input: *const f32,
    pub(super) input_map: Map,
    /// The residual, or null.
    pub(super) add: *const f32,
    pub(super) add_map: Option<Map>,
    pub(super) output: *mut f32,
    pub(super) output_map: Map,
}

// SAFETY: tasks only read through `input` and `add` and write disjoint places through `output`; see each step.
unsafe impl Sync for Operands {}

impl Operands {
    /// Zeros before the first row and column; the same on both axes, or the larger (the input's border has room).
    pub(super) fn pads(&self, padding: Padding, kernel: usize, stride: usize) -> (usize, usize) {
        let (top, _) = padding.before_after(self.input_map.height, kernel, stride);
        let (left, _) = padding.before_after(self.input_map.width, kernel, stride);
        (top, left)
    }
}
