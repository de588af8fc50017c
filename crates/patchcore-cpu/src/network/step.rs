//! What the kernels of a convolution step have in common: its geometry, and the memory it works on.

use super::map::Map;
use crate::simd::LANES;
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

    /// Holds `weight` `[out_channels, inputs, kernel, kernel]` and `bias` against the geometry; what packs them relies on it.
    ///
    /// # Panics
    /// Where one has another length, or an extent is 0.
    pub(super) fn check_weights(&self, inputs: usize, weight: &[f32], bias: &[f32]) {
        let size = self.out_channels * inputs * self.kernel * self.kernel;
        assert!(size > 0, "a convolution has channels and a kernel");
        assert_eq!((weight.len(), bias.len()), (size, self.out_channels), "weights are those of the geometry");
    }
}

/// Input, residual and output of a step.
///
/// What carries out a step on so many images relies on this, and says so under `# Safety`:
///
/// - Each pointer is valid for as many images of its map, for reads or, of the output, for writes, and nobody else uses the
///   output until the step is done. The three do not overlap.
/// - `add` is null if and only if there is no `add_map`.
/// - Input, output and residual have the sizes of the step, see [`Operands::check`].
pub(super) struct Operands<E = f32> {
    pub(super) input: *const E,
    pub(super) input_map: Map,
    /// The residual, or null.
    pub(super) add: *const E,
    pub(super) add_map: Option<Map>,
    pub(super) output: *mut E,
    pub(super) output_map: Map,
}

// SAFETY: tasks only read through `input` and `add` and write disjoint places through `output`; see each step.
unsafe impl<E: Sync> Sync for Operands<E> {}

impl<E> Operands<E> {
    /// Zeros before the first row and column; the same on both axes, or the larger (the input's border has room).
    pub(super) fn pads(&self, padding: Padding, kernel: usize, stride: usize) -> (usize, usize) {
        let (top, _) = padding.before_after(self.input_map.height, kernel, stride);
        let (left, _) = padding.before_after(self.input_map.width, kernel, stride);
        (top, left)
    }

    /// Looks at what can be seen of the contract; once a step, which costs nothing beside the step.
    ///
    /// # Panics
    /// Where the maps are not those of a step with this geometry, or there is no image.
    pub(super) fn check(&self, geometry: &Geometry, images: usize) {
        assert!(images > 0, "a step has images");
        let (input, output) = (&self.input_map, &self.output_map);
        let side = |side| geometry.padding.output_side(side, geometry.kernel, geometry.stride);
        let channels = (geometry.in_channels, geometry.out_channels);
        assert_eq!((input.channels, output.channels), channels, "channels of the maps and of the step");
        let sides = (side(input.height), side(input.width));
        assert_eq!((output.height, output.width), sides, "the output's sides follow from the input's");
        assert_eq!(output.pixel, LANES, "only the image may be planar");
        assert_eq!(self.add.is_null(), self.add_map.is_none(), "a residual has memory and a map, or neither");
        let fits = |add: Map| {
            (add.channels, add.height, add.width, add.pixel)
                == (output.channels, output.height, output.width, output.pixel)
        };
        assert!(self.add_map.is_none_or(fits), "the residual is as large as the output");
    }

    /// Looks whether the border of the input covers every window of a convolution.
    ///
    /// # Panics
    /// Where a window would reach beyond it.
    pub(super) fn check_border(&self, geometry: &Geometry) {
        let (input, output) = (&self.input_map, &self.output_map);
        let (top, left) = self.pads(geometry.padding, geometry.kernel, geometry.stride);
        let covers = |before: usize, side: usize, out: usize| {
            input.before >= before && (out - 1) * geometry.stride + geometry.kernel <= side + before + input.after
        };
        let all = covers(top, input.height, output.height) && covers(left, input.width, output.width);
        assert!(all, "the border of the input covers every window");
    }
}
