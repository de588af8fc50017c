//! A convolution as a matrix product whose left side is gathered while it is read (implicit GEMM), with bias, residual sum and
//! activation in its epilogue.
//!
//! A unit computes 8 neighbouring positions of 8 neighbouring channels in registers (of 4, where groups have no more). It reads the input four
//! channels at a time and the weights four outputs at a time: 16 reads for 256 multiplications. Neighbouring units have neighbouring channels of the same
//! positions, so that the reads of the ones are in the cache for the others; nothing goes through shared memory and no unit waits for
//! another.
//!
//! The sum of a value runs over window and channels in their order, whatever the size of the batch: a photo's features do not depend
//! on what lies beside it.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, clippy::manual_div_ceil, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::bound::{Bound, bounded};
use super::operand::cut_vector;

/// Positions of one unit, and its channels at most.
pub(super) const TILE: usize = 8;
/// Further out than any map's edge.
const OUTSIDE: i32 = -1_000_000;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ConvKind {
    /// Side of the window.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Channels of the output that one read of the weights brings: 4, or 1.
    pub outputs_at_once: usize,
    /// Channels of one unit: 8, or 4.
    pub columns: usize,
    /// Whether the tiles divide the channels of a group.
    pub whole_tiles: bool,
    /// Whether a map is added before the activation.
    pub adds: bool,
    /// The activation.
    pub bound: Bound,
    /// Whether the input is a photo, which is normalised while it is read.
    pub normalizes: bool,
    /// Whether the input is first `max(scale * x + shift, 0)`.
    pub prologue: bool,
    /// Bits of the factors.
    pub bits: u32,
}

/// One unit: a tile of positions and channels.
///
/// Starts and strides count reads, not values. `normalization` holds three means and three deviations, `prologues` the scales and shifts of a
/// prologue; these and `residual` are read where the kind says so.
#[cube(launch)]
pub(super) fn conv_kernel<I: Float, E: Float, O: Float, NI: Size, NO: Size>(
    input: &[Vector<I, NI>],
    weights: &[Vector<E, NO>],
    biases: &[Vector<f32, NO>],
    residual: &[Vector<O, NO>],
    normalization: &[f32],
    prologues: &[Vector<f32, NI>],
    output: &mut [Vector<O, NO>],
    input_start: usize,
    weight_start: usize,
    bias_start: usize,
    residual_start: usize,
    output_start: usize,
    output_stride: usize,
    scale_start: usize,
    shift_start: usize,
    units: usize,
    positions: usize,
    out_height: usize,
    out_width: usize,
    in_height: usize,
    in_width: usize,
    image_stride: usize,
    pixel_stride: usize,
    channel_stride: usize,
    group_reads: usize,
    group_outputs: usize,
    outputs: usize,
    tiles_of_group: usize,
    tiles: usize,
    pad_top: usize,
    pad_left: usize,
    #[comptime] kind: ConvKind,
    #[define(I)] _input_type: ElemType,
    #[define(E)] _weight_type: ElemType,
    #[define(O)] _output_type: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let tile = comptime!(TILE);
    let vectors = comptime!(kind.columns / kind.outputs_at_once);
    let inputs_at_once = input[0].vector_size();
    let first = unit / tiles * tile;
    let group = unit % tiles / tiles_of_group;
    let first_vector = unit % tiles_of_group * vectors;
    // Reads of weights that a row of a group has.
    let group_vectors = group_outputs / comptime!(kind.outputs_at_once);
    let row_vectors = outputs / comptime!(kind.outputs_at_once);
    let first_output = group * group_vectors + first_vector;

    let mut start = Array::<usize>::new(comptime!(TILE));
    let mut top = Array::<i32>::new(comptime!(TILE));
    let mut left = Array::<i32>::new(comptime!(TILE));
    let plane = out_height * out_width;
    #[unroll]
    for i in 0..tile {
        let position = first + i;
        let inside = position % plane;
        start[i] = input_start + position / plane * image_stride + group * group_reads * channel_stride;
        top[i] = i32::cast_from(inside / out_width * comptime!(kind.stride)) - i32::cast_from(pad_top);
        left[i] = i32::cast_from(inside % out_width * comptime!(kind.stride)) - i32::cast_from(pad_left);
        if position >= positions {
            top[i] = comptime!(OUTSIDE);
        }
    }
    let mut sums = Array::<Vector<f32, NO>>::new(comptime!(TILE * kind.columns / kind.outputs_at_once));
    #[unroll]
    for at in 0..comptime!(TILE * kind.columns / kind.outputs_at_once) {
        sums[at] = Vector::new(0.0);
    }

    let mut places = Array::<usize>::new(comptime!(TILE));
    let mut present = Array::<bool>::new(comptime!(TILE));
    for cell in 0..comptime!(kind.kernel * kind.kernel) {
        let dy = i32::cast_from(cell / comptime!(kind.kernel));
        let dx = i32::cast_from(cell % comptime!(kind.kernel));
        #[unroll]
        for i in 0..tile {
            let y = top[i] + dy;
            let x = left[i] + dx;
            let here = y >= 0 && x >= 0 && y < i32::cast_from(in_height) && x < i32::cast_from(in_width);
            present[i] = here;
            places[i] = 0usize;
            if here {
                places[i] = start[i] + (usize::cast_from(y) * in_width + usize::cast_from(x)) * pixel_stride;
            }
        }
        let row = weight_start + cell * group_reads * inputs_at_once * row_vectors + first_output;
        let left_over = group_vectors - first_vector;
        for read in 0..group_reads {
            let mut values = Array::<Vector<f32, NI>>::new(comptime!(TILE));
            #[unroll]
            for i in 0..tile {
                // Beyond the edge something that is there is read and not taken: cheaper than to branch.
                let mut value = Vector::<f32, NI>::cast_from(input[places[i] + read * channel_stride]);
                if comptime!(kind.normalizes) {
                    let mean = Vector::new(normalization[read]);
                    value = (value - mean) / Vector::new(normalization[read + 3]);
                }
                if comptime!(kind.prologue) {
                    let scaled = value * prologues[scale_start + read] + prologues[shift_start + read];
                    value = max(scaled, Vector::new(0.0));
                }
                let value = select(present[i], value, Vector::new(0.0));
                values[i] = cut_vector(value, comptime!(kind.bits));
            }
            let row = row + read * inputs_at_once * row_vectors;
            #[unroll]
            for channel in 0..inputs_at_once {
                #[unroll]
                for j in 0..vectors {
                    let mut weight = Vector::<f32, NO>::new(0.0);
                    if comptime!(kind.whole_tiles) || j < left_over {
                        weight = Vector::cast_from(weights[row + channel * row_vectors + j]);
                    }
                    let weight = cut_vector(weight, comptime!(kind.bits));
                    #[unroll]
                    for i in 0..tile {
                        sums[i * vectors + j] += Vector::new(values[i].extract(channel)) * weight;
                    }
                }
            }
        }
    }

    #[unroll]
    for j in 0..vectors {
        if comptime!(kind.whole_tiles) || first_vector + j < group_vectors {
            let channel = first_output + j;
            let bias = biases[bias_start + channel];
            #[unroll]
            for i in 0..tile {
                let position = first + i;
                if position < positions {
                    let to = position * output_stride + channel;
                    let mut value = sums[i * vectors + j] + bias;
                    if comptime!(kind.adds) {
                        value += Vector::cast_from(residual[residual_start + to]);
                    }
                    output[output_start + to] = Vector::cast_from(bounded(value, comptime!(kind.bound)));
                }
            }
        }
    }
}
