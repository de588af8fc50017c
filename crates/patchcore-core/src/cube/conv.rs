//! Launches of [`super::conv_kernel`].

use burn_cubecl::tensor::CubeTensor;

use burn_cubecl::cubecl::prelude::*;

use super::bound::Bound;
use super::conv_kernel::{ConvKind, TILE, conv_kernel};
use super::launch::{blocks, element, linear};
use super::matrix_unit::MatrixUnit;
use super::unit_kernel::{EDGE, UNITS, UnitKind, unit_kernel};

/// Where a map lies on the device: from a value on in a tensor of one axis.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The tensor.
    pub tensor: CubeTensor,
    /// Its first value that belongs to the map.
    pub start: usize,
}

/// The shape and layout of what a window slides over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvInput {
    /// Images.
    pub images: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Values from one image to the next.
    pub image_stride: usize,
    /// From one pixel to the next.
    pub pixel_stride: usize,
    /// From one channel to the next; 0 where all channels are one plane.
    pub channel_stride: usize,
}

/// What is computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvShape {
    /// Side of the window.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Zeros above and to the left.
    pub padding: (usize, usize),
    /// Rows of the output.
    pub out_height: usize,
    /// Pixels of a row of it.
    pub out_width: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// The activation.
    pub bound: Bound,
    /// Whether the input is a photo, which is normalised while it is read.
    pub normalizes: bool,
    /// Bits of the factors.
    pub bits: u32,
    /// Units that multiply faster than f32, where they may.
    pub unit: Option<MatrixUnit>,
}

/// The tensors that a convolution reads beside its input.
#[derive(Debug, Clone)]
pub(crate) struct ConvTensors {
    /// `[kernel, kernel, inputs / groups, outputs]` from a value on.
    pub weights: Place,
    /// `[outputs]` from a value on.
    pub biases: Place,
    /// Three means and three deviations.
    pub normalization: CubeTensor,
}

/// Launches a convolution. Maps are `[image, row, column, channel]`, but for an input with strides of its own.
pub(crate) fn conv(
    shape: ConvShape,
    input: (&Place, ConvInput),
    tensors: ConvTensors,
    add: Option<&Place>,
    output: &Place,
) {
    let (place, layout) = input;
    if let Some(unit) = shape.unit.filter(|unit| takes_units(&shape, &layout) && unit.is_there(&place.tensor.client)) {
        return conv_on_units(shape, unit, input, tensors, add, output);
    }
    let (group_inputs, group_outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let positions = layout.images * shape.out_height * shape.out_width;
    let adds = add.is_some();
    // What is not added is not read; any tensor will do.
    let residual = add.unwrap_or(output);
    let at_once = at_once(&layout, group_inputs, place.start);
    let starts = [tensors.weights.start, tensors.biases.start, residual.start, output.start];
    let four = group_outputs.is_multiple_of(4) && starts.iter().all(|start| start.is_multiple_of(4));
    let outputs_at_once = if four { 4 } else { 1 };
    let [weight_start, bias_start, residual_start, output_start] = starts.map(|start| start / outputs_at_once);
    let whole_tiles = group_outputs.is_multiple_of(TILE);
    let ConvShape { kernel, stride, bound, normalizes, bits, .. } = shape;
    let kind = ConvKind { kernel, stride, outputs_at_once, whole_tiles, adds, bound, normalizes, bits };
    let tiles_of_group = group_outputs.div_ceil(TILE);
    let tiles = shape.groups * tiles_of_group;
    let units = positions.div_ceil(TILE) * tiles;
    let (cubes, dim) = linear(units);
    let client = place.tensor.client.clone();
    let (of_input, of_weights, of_output) =
        (element(&place.tensor), element(&tensors.weights.tensor), element(&output.tensor));
    conv_kernel::launch(
        &client,
        cubes,
        dim,
        at_once,
        outputs_at_once,
        place.tensor.clone().into_buffer_arg(),
        tensors.weights.tensor.into_buffer_arg(),
        tensors.biases.tensor.into_buffer_arg(),
        residual.tensor.clone().into_buffer_arg(),
        tensors.normalization.into_buffer_arg(),
        output.tensor.clone().into_buffer_arg(),
        place.start / at_once,
        weight_start,
        bias_start,
        residual_start,
        output_start,
        units,
        positions,
        shape.out_height,
        shape.out_width,
        layout.height,
        layout.width,
        layout.image_stride / at_once,
        layout.pixel_stride / at_once,
        layout.channel_stride,
        group_inputs / at_once,
        group_outputs,
        shape.outputs,
        tiles_of_group,
        tiles,
        shape.padding.0,
        shape.padding.1,
        kind,
        of_input,
        of_weights,
        of_output,
    );
}

/// Whether matrix units are worth their slices of 16 channels, which must lie side by side.
fn takes_units(shape: &ConvShape, layout: &ConvInput) -> bool {
    shape.inputs / shape.groups >= 16 && layout.channel_stride == 1 && !shape.normalizes
}

fn conv_on_units(
    shape: ConvShape,
    unit: MatrixUnit,
    (place, layout): (&Place, ConvInput),
    tensors: ConvTensors,
    add: Option<&Place>,
    output: &Place,
) {
    let (group_inputs, group_outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let positions = layout.images * shape.out_height * shape.out_width;
    let residual = add.unwrap_or(output);
    let ConvShape { kernel, stride, bound, bits, .. } = shape;
    let (step, emulated) = (unit.step(), unit == MatrixUnit::Emulated);
    let kind = UnitKind { kernel, stride, adds: add.is_some(), bound, step, emulated, bits };
    let blocks_of_group = group_outputs.div_ceil(EDGE);
    let (x, z) = blocks(positions.div_ceil(EDGE));
    unit_kernel::launch(
        &place.tensor.client,
        CubeCount::Static(x, (shape.groups * blocks_of_group) as u32, z),
        CubeDim::new_1d(UNITS as u32),
        place.tensor.clone().into_buffer_arg(),
        tensors.weights.tensor.into_buffer_arg(),
        tensors.biases.tensor.into_buffer_arg(),
        residual.tensor.clone().into_buffer_arg(),
        output.tensor.clone().into_buffer_arg(),
        place.start,
        tensors.weights.start,
        tensors.biases.start,
        residual.start,
        output.start,
        positions,
        shape.out_height,
        shape.out_width,
        layout.height,
        layout.width,
        layout.image_stride,
        layout.pixel_stride,
        group_inputs,
        group_outputs,
        shape.outputs,
        blocks_of_group,
        shape.padding.0,
        shape.padding.1,
        kind,
        element(&place.tensor),
        unit.factor(),
    );
}

/// Channels of the input that one read brings: 4 where they lie side by side in whole fours, else 1.
fn at_once(layout: &ConvInput, group_inputs: usize, start: usize) -> usize {
    let strides = [layout.image_stride, layout.pixel_stride, group_inputs, start];
    if layout.channel_stride == 1 && strides.iter().all(|stride| stride.is_multiple_of(4)) { 4 } else { 1 }
}
