//! Channels of a map put beside those of others.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// One unit: the channels of one read of one pixel, from one map into another. Starts, strides and `channels` count reads, not values.
#[cube(launch)]
pub(super) fn copy_kernel<E: Float, N: Size>(
    input: &[Vector<E, N>],
    output: &mut [Vector<E, N>],
    input_start: usize,
    input_stride: usize,
    output_start: usize,
    output_stride: usize,
    units: usize,
    channels: usize,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let channel = unit % channels;
    let pixel = unit / channels;
    output[output_start + pixel * output_stride + channel] = input[input_start + pixel * input_stride + channel];
}
