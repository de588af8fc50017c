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
    /// Values from one pixel of the output to the next: its channels, and more where other maps lie between.
    pub output_stride: usize,
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
    /// Where the input is first `max(scale * x + shift, 0)`.
    pub prologue: Option<Prologue>,
}

/// Scales and shifts of a prologue, `[inputs]` each from a value on in a tensor of one axis.
#[derive(Debug, Clone)]
pub(crate) struct Prologue {
    /// The tensor.
    pub tensor: CubeTensor,
    /// The first scale.
    pub scales: usize,
    /// The first shift.
    pub shifts: usize,
}

/// Launches a convolution. Maps are `[image, row, column, channel]`, but for an input and an output with strides of their own. What is added
/// has the layout of the output.
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
    let prologue = prologue(&tensors);
    let at_once = at_once(&layout, group_inputs, &[place.start, prologue.scales, prologue.shifts]);
    let starts = [tensors.weights.start, tensors.biases.start, residual.start, output.start, shape.output_stride];
    let four = group_outputs.is_multiple_of(4) && starts.iter().all(|start| start.is_multiple_of(4));
    let outputs_at_once = if four { 4 } else { 1 };
    let [weight_start, bias_start, residual_start, output_start, output_stride] =
        starts.map(|start| start / outputs_at_once);
    // Groups of a ResNeXt may have 4 channels.
    let columns = if group_outputs <= TILE / 2 { TILE / 2 } else { TILE };
    let whole_tiles = group_outputs.is_multiple_of(columns);
    let ConvShape { kernel, stride, bound, normalizes, bits, .. } = shape;
    let has_prologue = tensors.prologue.is_some();
    let kind = ConvKind {
        kernel,
        stride,
        outputs_at_once,
        columns,
        whole_tiles,
        adds,
        bound,
        normalizes,
        prologue: has_prologue,
        bits,
    };
    let tiles_of_group = group_outputs.div_ceil(columns);
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
        prologue.tensor.into_buffer_arg(),
        output.tensor.clone().into_buffer_arg(),
        place.start / at_once,
        weight_start,
        bias_start,
        residual_start,
        output_start,
        output_stride,
        prologue.scales / at_once,
        prologue.shifts / at_once,
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

/// The prologue of a convolution; of one without, whatever is there: nothing is read.
fn prologue(tensors: &ConvTensors) -> Prologue {
    let none = || Prologue { tensor: tensors.normalization.clone(), scales: 0, shifts: 0 };
    tensors.prologue.clone().unwrap_or_else(none)
}

/// Whether matrix units are worth their slices of 16 channels, which must lie side by side, and their blocks of 64 outputs, most of which
/// a small group would leave empty.
fn takes_units(shape: &ConvShape, layout: &ConvInput) -> bool {
    let ConvShape { groups, inputs, outputs, normalizes, .. } = *shape;
    let fills = inputs / groups >= 16 && (groups == 1 || outputs / groups >= EDGE / 2);
    fills && layout.channel_stride == 1 && !normalizes
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
    let (adds, prologue) = (add.is_some(), tensors.prologue.is_some());
    let kind = UnitKind { kernel, stride, adds, bound, prologue, step, emulated, bits };
    let Prologue { tensor: prologues, scales, shifts } = self::prologue(&tensors);
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
        prologues.into_buffer_arg(),
        output.tensor.clone().into_buffer_arg(),
        place.start,
        tensors.weights.start,
        tensors.biases.start,
        residual.start,
        output.start,
        shape.output_stride,
        scales,
        shifts,
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

/// Channels of the input that one read brings: 4 where they lie side by side in whole fours, from whole fours on, else 1.
fn at_once(layout: &ConvInput, group_inputs: usize, starts: &[usize]) -> usize {
    let strides = [layout.image_stride, layout.pixel_stride, group_inputs];
    let fours = strides.iter().chain(starts).all(|at| at.is_multiple_of(4));
    if layout.channel_stride == 1 && fours { 4 } else { 1 }
}
