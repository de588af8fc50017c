//! Planes to pixels with their channels side by side, for the rare plan whose first step is no dense convolution.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// One unit: one value.
#[cube(launch)]
pub(super) fn planar_kernel<E: Float>(
    input: &[f32],
    normalization: &[f32],
    output: &mut [E],
    units: usize,
    channels: usize,
    plane: usize,
    image_stride: usize,
    channel_stride: usize,
    #[comptime] normalizes: bool,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let channel = unit % channels;
    let pixel = unit / channels % plane;
    let image = unit / (channels * plane);
    let mut value = input[image * image_stride + channel * channel_stride + pixel];
    if normalizes {
        value = (value - normalization[channel]) / normalization[channel + 3];
    }
    output[unit] = E::cast_from(value);
}
