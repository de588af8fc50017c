//! Feature maps to embedding rows, and a deeper level's rows onto a finer grid.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, clippy::manual_div_ceil, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// Cells of one unit, side by side.
pub(super) const STRIP: usize = 8;

/// One unit: one output of a strip of cells, a weighted sum over its taps. Neighbouring units have neighbouring outputs.
///
/// `taps` holds, per round and output, a channel and a neighbour in the patch; `weights` as many weights. Cells beyond the edge are
/// zeros.
#[cube(launch)]
pub(super) fn aggregate_kernel<E: Float>(
    map: &[E],
    taps: &[i32],
    weights: &[f32],
    rows: &mut [f32],
    map_start: usize,
    tap_start: usize,
    units: usize,
    outputs: usize,
    rounds: usize,
    channels: usize,
    height: usize,
    width: usize,
    patch_size: usize,
    row_stride: usize,
    first: usize,
    covered: usize,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let strip = comptime!(STRIP);
    let output = unit % outputs;
    let strips = (width + strip - 1) / strip;
    let x = unit / outputs % strips * strip;
    let y = unit / (outputs * strips) % height;
    let image = unit / (outputs * strips * height);
    let margin = i32::cast_from(patch_size / 2);
    let mut sums = Array::<f32>::new(comptime!(STRIP));
    #[unroll]
    for cell in 0..strip {
        sums[cell] = f32::new(0.0);
    }
    for round in 0..rounds {
        let at = tap_start + round * outputs + output;
        let weight = weights[at];
        let channel = usize::cast_from(taps[at * 2]);
        let neighbor = usize::cast_from(taps[at * 2 + 1]);
        let from_y = i32::cast_from(y + neighbor / patch_size) - margin;
        let from_x = i32::cast_from(x + neighbor % patch_size) - margin;
        if from_y >= 0 && from_y < i32::cast_from(height) {
            let row = map_start + (image * height + usize::cast_from(from_y)) * width * channels + channel;
            #[unroll]
            for cell in 0..strip {
                let at_x = from_x + i32::cast_from(cell);
                if at_x >= 0 && at_x < i32::cast_from(width) {
                    sums[cell] += weight * f32::cast_from(map[row + usize::cast_from(at_x) * channels]);
                }
            }
        }
    }
    let adds = first + output < covered;
    #[unroll]
    for cell in 0..strip {
        if x + cell < width {
            let to = ((image * height + y) * width + x + cell) * row_stride + first + output;
            let mut value = sums[cell];
            if adds {
                value += rows[to];
            }
            rows[to] = value;
        }
    }
}

/// One unit: one output of one cell of the finer grid, between four of the deeper level's (bilinear, half-pixel centres).
#[cube(launch)]
pub(super) fn resize_kernel(
    deeper: &[f32],
    rows: &mut [f32],
    units: usize,
    outputs: usize,
    deep_height: usize,
    deep_width: usize,
    height: usize,
    width: usize,
    row_stride: usize,
    first: usize,
    covered: usize,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let output = unit % outputs;
    let x = unit / outputs % width;
    let y = unit / (outputs * width) % height;
    let image = unit / (outputs * width * height);
    let (y_low, y_high, y_share) = between(y, deep_height, height);
    let (x_low, x_high, x_share) = between(x, deep_width, width);
    let from = image * deep_height * deep_width;
    let low = from + y_low * deep_width;
    let high = from + y_high * deep_width;
    let one = f32::new(1.0);
    let upper = deeper[(low + x_low) * outputs + output] * (one - x_share)
        + deeper[(low + x_high) * outputs + output] * x_share;
    let lower = deeper[(high + x_low) * outputs + output] * (one - x_share)
        + deeper[(high + x_high) * outputs + output] * x_share;
    let mut value = upper * (one - y_share) + lower * y_share;
    let to = ((image * height + y) * width + x) * row_stride + first + output;
    if first + output < covered {
        value += rows[to];
    }
    rows[to] = value;
}

/// The two cells of an axis between which a cell of a finer one lies, and the share of the second.
#[cube]
fn between(at: usize, deep: usize, fine: usize) -> (usize, usize, f32) {
    let scale = f32::cast_from(deep) / f32::cast_from(fine);
    let place = max((f32::cast_from(at) + f32::new(0.5)) * scale - f32::new(0.5), f32::new(0.0));
    let low = usize::cast_from(place);
    let share = place - f32::cast_from(low);
    let mut high = low + 1;
    if high >= deep {
        high = deep - 1;
    }
    (low, high, share)
}

/// One unit: the mean of the cells of a finer map that lie in one cell of the grid, of those that are there.
#[cube(launch)]
pub(super) fn average_kernel<E: Float>(
    map: &[E],
    averaged: &mut [f32],
    map_start: usize,
    units: usize,
    channels: usize,
    fine_height: usize,
    fine_width: usize,
    height: usize,
    width: usize,
    ratio: usize,
    #[define(E)] _element: ElemType,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let channel = unit % channels;
    let x = unit / channels % width;
    let y = unit / (channels * width) % height;
    let image = unit / (channels * width * height);
    let mut sum = f32::new(0.0);
    let mut count = f32::new(0.0);
    for dy in 0..ratio {
        for dx in 0..ratio {
            let (from_y, from_x) = (y * ratio + dy, x * ratio + dx);
            if from_y < fine_height && from_x < fine_width {
                let pixel = (image * fine_height + from_y) * fine_width + from_x;
                sum += f32::cast_from(map[map_start + pixel * channels + channel]);
                count += f32::new(1.0);
            }
        }
    }
    averaged[unit] = sum / count;
}
