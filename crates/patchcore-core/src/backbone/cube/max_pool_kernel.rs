//! Max-pool 3x3, stride 2, padding 1: padding never wins.

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
    output[output_start + unit] = E::cast_from(largest);
}
