//! A depthwise convolution: one unit computes a patch of 2 x 4 neighbouring outputs of four channels, so that what their windows share
//! is loaded once. Neighbouring units have neighbouring channels, which lie side by side.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, clippy::manual_div_ceil, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use patchcore_config::backbone::plan::ConvStep;

use crate::cube::cut_vector;
use crate::cube::{Bound, bounded};

/// Outputs of a unit, down and across.
pub(super) const PATCH: (usize, usize) = (2, 4);

/// Whether every channel of a convolution is a group of its own.
pub(super) fn is_depthwise(conv: &ConvStep) -> bool {
    conv.groups > 1 && conv.groups == conv.in_channels && conv.groups == conv.out_channels
}

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DepthwiseKind {
    /// Side of the window.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Whether a map is added before the activation.
    pub adds: bool,
    /// The activation.
    pub bound: Bound,
    /// Bits of the factors.
    pub bits: u32,
}

/// One unit: eight outputs of the channels of one read. Starts and `channels` count reads, not values.
#[cube(launch)]
pub(super) fn depthwise_kernel<E: Float, N: Size>(
    input: &[Vector<E, N>],
    weights: &[Vector<E, N>],
    biases: &[Vector<f32, N>],
    residual: &[Vector<E, N>],
    output: &mut [Vector<E, N>],
    input_start: usize,
    residual_start: usize,
    output_start: usize,
    units: usize,
    channels: usize,
    out_height: usize,
    out_width: usize,
    in_height: usize,
    in_width: usize,
    weight_start: usize,
    bias_start: usize,
    pad_top: usize,
    pad_left: usize,
    #[comptime] kind: DepthwiseKind,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let (down, across) = comptime!(PATCH);
    let kernel = comptime!(kind.kernel);
    // Inputs that the windows of the patch cover.
    let reach_down = comptime!((PATCH.0 - 1) * kind.stride + kind.kernel);
    let reach_across = comptime!((PATCH.1 - 1) * kind.stride + kind.kernel);
    let channel = unit % channels;
    let patch = unit / channels;
    let patches_across = (out_width + across - 1) / across;
    let patches_down = (out_height + down - 1) / down;
    let first_x = patch % patches_across * across;
    let first_y = patch / patches_across % patches_down * down;
    let image = patch / (patches_across * patches_down);
    let top = i32::cast_from(first_y * comptime!(kind.stride)) - i32::cast_from(pad_top);
    let left = i32::cast_from(first_x * comptime!(kind.stride)) - i32::cast_from(pad_left);
    let from = input_start + image * in_height * in_width * channels + channel;

    let mut weight = Array::<Vector<f32, N>>::new(comptime!(kind.kernel * kind.kernel));
    #[unroll]
    for cell in 0..comptime!(kind.kernel * kind.kernel) {
        let value = Vector::<f32, N>::cast_from(weights[weight_start + cell * channels + channel]);
        weight[cell] = cut_vector(value, comptime!(kind.bits));
    }
    let mut sums = Array::<Vector<f32, N>>::new(comptime!(PATCH.0 * PATCH.1));
    #[unroll]
    for at in 0..comptime!(PATCH.0 * PATCH.1) {
        sums[at] = Vector::new(0.0);
    }
    #[unroll]
    for dy in 0..reach_down {
        let y = top + i32::cast_from(dy);
        let in_row = y >= 0 && y < i32::cast_from(in_height);
        let mut row = Array::<Vector<f32, N>>::new(comptime!((PATCH.1 - 1) * kind.stride + kind.kernel));
        #[unroll]
        for dx in 0..reach_across {
            let x = left + i32::cast_from(dx);
            let mut value = Vector::<f32, N>::new(0.0);
            if in_row && x >= 0 && x < i32::cast_from(in_width) {
                value =
                    Vector::cast_from(input[from + (usize::cast_from(y) * in_width + usize::cast_from(x)) * channels]);
            }
            row[dx] = cut_vector(value, comptime!(kind.bits));
        }
        // The outputs whose windows have this row.
        #[unroll]
        for i in 0..down {
            if comptime!(dy >= i * kind.stride && dy < i * kind.stride + kind.kernel) {
                let window_row = comptime!(dy - i * kind.stride);
                #[unroll]
                for j in 0..across {
                    #[unroll]
                    for window_column in 0..kernel {
                        sums[i * across + j] += row[j * comptime!(kind.stride) + window_column]
                            * weight[window_row * kernel + window_column];
                    }
                }
            }
        }
    }
    let bias = biases[bias_start + channel];
    #[unroll]
    for i in 0..down {
        #[unroll]
        for j in 0..across {
            let y = first_y + i;
            let x = first_x + j;
            if y < out_height && x < out_width {
                let to = ((image * out_height + y) * out_width + x) * channels + channel;
                let mut value = sums[i * across + j] + bias;
                if comptime!(kind.adds) {
                    value += Vector::cast_from(residual[residual_start + to]);
                }
                output[output_start + to] = Vector::cast_from(bounded(value, comptime!(kind.bound)));
            }
        }
    }
}
