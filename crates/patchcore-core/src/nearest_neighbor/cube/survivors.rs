//! The rows and blocks that may hold the nearest row of each query.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::bound::Bound;
use super::tile::Minima;

/// Units of a cube, each with a query of its own.
const UNITS: usize = 64;

/// `E(a, b)` of `bound.rs`.
#[cube]
fn reach(a: f32, b: f32, lengths: f32, row: f32, query: f32, tiny: f32) -> f32 {
    lengths * a * b + row * b * b + query * a * a + tiny * (f32::new(1.0) + a + b)
}

/// Overwrites `rows` `[blocks, n]`: of each query the first `counts` are rows, or blocks as `-1 - block`.
#[cube(launch)]
fn survivors_kernel(
    least: &[f32],
    rows: &mut [i32],
    second: &[f32],
    query_lengths: &[f32],
    block_lengths: &[f32],
    counts: &mut [i32],
    n: usize,
    blocks: usize,
    lengths: f32,
    row: f32,
    query: f32,
    tiny: f32,
    longest: f32,
) {
    let at = ABSOLUTE_POS;
    if at < n {
        let squared = query_lengths[at];
        let a = squared.sqrt();
        let mut upper = f32::new(f32::MAX);
        for b in 0..blocks {
            let value = least[b * n + at] + reach(a, block_lengths[b], lengths, row, query, tiny);
            if value < upper {
                upper = value;
            }
        }
        let mut count = 0usize;
        let in_range = squared < longest;
        for b in 0..blocks {
            let off = reach(a, block_lengths[b], lengths, row, query, tiny);
            if !in_range {
                rows[count * n + at] = i32::new(-1) - i32::cast_from(b);
                count += 1;
            } else if least[b * n + at] - off <= upper {
                if second[b * n + at] - off > upper {
                    // A list is never longer than what has been read.
                    rows[count * n + at] = rows[b * n + at];
                } else {
                    rows[count * n + at] = i32::new(-1) - i32::cast_from(b);
                }
                count += 1;
            }
        }
        counts[at] = select(in_range, i32::cast_from(count), i32::new(-1) - i32::cast_from(count));
    }
}

/// The survivors of each query: their number `[n]`, or `-1 - number` of a query that f32 cannot decide; the list itself is written
/// over the rows of the minima.
pub(super) fn launch(
    minima: &Minima,
    query_lengths: &CubeTensor,
    block_lengths: &CubeTensor,
    bound: &Bound,
) -> CubeTensor {
    let [blocks, n] = minima.least.meta.shape().dims::<2>();
    let client = minima.least.client.clone();
    let device = minima.least.device.clone();
    let counts = empty_device_contiguous_dtype(client.clone(), device, Shape::from([n]), DType::I32);
    survivors_kernel::launch(
        &client,
        CubeCount::Static(n.div_ceil(UNITS) as u32, 1, 1),
        CubeDim::new_1d(UNITS as u32),
        minima.least.clone().into_buffer_arg(),
        minima.rows.clone().into_buffer_arg(),
        minima.second.clone().into_buffer_arg(),
        query_lengths.clone().into_buffer_arg(),
        block_lengths.clone().into_buffer_arg(),
        counts.clone().into_buffer_arg(),
        n,
        blocks,
        bound.lengths,
        bound.row,
        bound.query,
        bound.tiny,
        bound.longest,
    );
    counts
}
