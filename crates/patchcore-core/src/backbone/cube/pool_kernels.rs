//! Pools: the largest of 3x3 pixels, stride 2, padding 1 (padding never wins), and the mean of 2x2, stride 2, after a prologue.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// One unit: one output of one channel.
#[cube(launch)]
pub(super) fn max_pool_kernel<E: Float>(
    input: &[E],
    output: &mut [E],
    input_start: usize,
    output_start: usize,
    output_stride: usize,
    units: usize,
    channels: usize,
    out_height: usize,
    out_width: usize,
    in_height: usize,
    in_width: usize,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let channel = unit % channels;
    let position = unit / channels;
    let x = position % out_width;
    let y = position / out_width % out_height;
    let image = position / (out_width * out_height);
    // The cell in the middle of the window is always there.
    let middle = input_start + ((image * in_height + 2 * y) * in_width + 2 * x) * channels + channel;
    let mut largest = f32::cast_from(input[middle]);
    #[unroll]
    for dy in 0..3usize {
        #[unroll]
        for dx in 0..3usize {
            let (from_y, from_x) = (2 * y + dy, 2 * x + dx);
            if from_y >= 1 && from_x >= 1 && from_y <= in_height && from_x <= in_width {
                let at = input_start + ((image * in_height + from_y - 1) * in_width + from_x - 1) * channels + channel;
                largest = max(largest, f32::cast_from(input[at]));
            }
        }
    }
    output[output_start + position * output_stride + channel] = E::cast_from(largest);
}

/// One unit: one output of the channels of one read. Starts, strides and `channels` count reads, not values.
#[cube(launch)]
pub(super) fn average_pool_kernel<E: Float, N: Size>(
    input: &[Vector<E, N>],
    prologues: &[Vector<f32, N>],
    output: &mut [Vector<E, N>],
    input_start: usize,
    input_stride: usize,
    scale_start: usize,
    shift_start: usize,
    output_start: usize,
    output_stride: usize,
    units: usize,
    channels: usize,
    out_height: usize,
    out_width: usize,
    in_height: usize,
    in_width: usize,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let channel = unit % channels;
    let position = unit / channels;
    let x = position % out_width;
    let y = position / out_width % out_height;
    let image = position / (out_width * out_height);
    let scale = prologues[scale_start + channel];
    let shift = prologues[shift_start + channel];
    let mut sum = Vector::<f32, N>::new(0.0);
    #[unroll]
    for dy in 0..2usize {
        #[unroll]
        for dx in 0..2usize {
            let pixel = (image * in_height + 2 * y + dy) * in_width + 2 * x + dx;
            let value = Vector::<f32, N>::cast_from(input[input_start + pixel * input_stride + channel]);
            sum += max(value * scale + shift, Vector::new(0.0));
        }
    }
    output[output_start + position * output_stride + channel] = Vector::cast_from(sum * Vector::new(0.25));
}
