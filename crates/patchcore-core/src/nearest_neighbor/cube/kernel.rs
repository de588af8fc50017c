//! The kernel of [`super`] and its launch.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Values of a row that lie in shared memory at once.
const DEPTH: usize = 8;
/// Queries and bank rows of one block.
pub(super) const BLOCK: usize = 64;
/// Units along each side of a cube.
const SIDE: usize = 16;
/// Queries and rows of one unit.
const TILE: usize = BLOCK / SIDE;

/// One cube: `BLOCK` queries against the rows of one split.
#[cube(launch)]
fn nearest_rows_kernel<B: Float>(
    queries: &[f32],
    bank: &[B],
    half_lengths: &[f32],
    winners: &mut [i32],
    n: usize,
    m: usize,
    dim: usize,
    query_stride: usize,
    row_stride: usize,
    rows_per_split: usize,
    #[define(B)] _bank_type: ElemType,
) {
    let block = comptime!(BLOCK);
    let depth = comptime!(DEPTH);
    let side = comptime!(SIDE);
    let tile = comptime!(TILE);
    let unit = UNIT_POS as usize;
    let unit_row = unit / side;
    let unit_query = unit % side;
    let first_query = CUBE_POS_X as usize * block;
    let split = CUBE_POS_Y as usize;
    let first_row = split * rows_per_split;
    let mut last_row = first_row + rows_per_split;
    if last_row > m {
        last_row = m;
    }

    // `[DEPTH, BLOCK]`: units that work side by side read neighbouring values.
    let mut query_slice = Shared::<[f32]>::new_slice(comptime!(DEPTH * BLOCK));
    let mut row_slice = Shared::<[f32]>::new_slice(comptime!(DEPTH * BLOCK));

    let mut best = Array::<f32>::new(comptime!(TILE));
    let mut best_row = Array::<i32>::new(comptime!(TILE));
    #[unroll]
    for q in 0..tile {
        best[q] = f32::new(f32::MAX);
        best_row[q] = i32::cast_from(first_row);
    }

    let blocks = (last_row - first_row + block - 1) / block;
    for b in 0..blocks {
        let start = first_row + b * block;
        let mut sums = Array::<f32>::new(comptime!(TILE * TILE));
        #[unroll]
        for i in 0..comptime!(TILE * TILE) {
            sums[i] = f32::new(0.0);
        }
        let slices = (dim + depth - 1) / depth;
        for s in 0..slices {
            // 256 units bring 2 x 512 values: two of each.
            #[unroll]
            for half in 0..2 {
                let place = unit + half * comptime!(SIDE * SIDE);
                let line = place / depth;
                let axis = place % depth;
                let at = s * depth + axis;
                let query = first_query + line;
                let row = start + line;
                let mut query_value = f32::new(0.0);
                if query < n && at < dim {
                    query_value = queries[query * query_stride + at];
                }
                let mut row_value = f32::new(0.0);
                if row < last_row && at < dim {
                    row_value = f32::cast_from(bank[row * row_stride + at]);
                }
                query_slice[axis * block + line] = query_value;
                row_slice[axis * block + line] = row_value;
            }
            sync_cube();
            #[unroll]
            for axis in 0..depth {
                #[unroll]
                for q in 0..tile {
                    let value = query_slice[axis * block + unit_query + q * side];
                    #[unroll]
                    for r in 0..tile {
                        sums[q * tile + r] += value * row_slice[axis * block + unit_row + r * side];
                    }
                }
            }
            sync_cube();
        }
        #[unroll]
        for r in 0..tile {
            let row = start + unit_row + r * side;
            if row < last_row {
                let half = half_lengths[row];
                #[unroll]
                for q in 0..tile {
                    let value = half - sums[q * tile + r];
                    // Rows come in rising order: a later row must be strictly better.
                    if value < best[q] {
                        best[q] = value;
                        best_row[q] = i32::cast_from(row);
                    }
                }
            }
        }
    }

    // The sixteen units that share a query meet in shared memory.
    let mut values = Shared::<[f32]>::new_slice(comptime!(SIDE * BLOCK));
    let mut rows = Shared::<[i32]>::new_slice(comptime!(SIDE * BLOCK));
    #[unroll]
    for q in 0..tile {
        let line = unit_query + q * side;
        values[unit_row * block + line] = best[q];
        rows[unit_row * block + line] = best_row[q];
    }
    sync_cube();
    if unit < block {
        let query = first_query + unit;
        if query < n {
            let mut value = values[unit];
            let mut row = rows[unit];
            for other in 1..side {
                let candidate = values[other * block + unit];
                let candidate_row = rows[other * block + unit];
                if candidate < value || (candidate == value && candidate_row < row) {
                    value = candidate;
                    row = candidate_row;
                }
            }
            winners[split * n + query] = row;
        }
    }
}

/// Launches the kernel on the device of its inputs: `[splits, n]` rows.
pub(super) fn launch(queries: CubeTensor, bank: CubeTensor, half_lengths: CubeTensor, splits: usize) -> CubeTensor {
    let (queries, bank, half_lengths) =
        (into_contiguous(queries), into_contiguous(bank), into_contiguous(half_lengths));
    let [n, dim] = queries.meta.shape().dims::<2>();
    let [m, _] = bank.meta.shape().dims::<2>();
    let client = queries.client.clone();
    let bank_type = burn::backend::cubecl::dtype_to_storage_type(bank.dtype);
    // CubeCL may pad the rows of what it calls contiguous.
    let (query_stride, row_stride) = (queries.meta.strides()[0], bank.meta.strides()[0]);
    let winners =
        empty_device_contiguous_dtype(client.clone(), queries.device.clone(), Shape::from([splits, n]), DType::I32);
    let cubes = CubeCount::Static(n.div_ceil(BLOCK) as u32, splits as u32, 1);
    let side = SIDE as u32;
    nearest_rows_kernel::launch(
        &client,
        cubes,
        CubeDim::new_2d(side, side),
        queries.into_buffer_arg(),
        bank.into_buffer_arg(),
        half_lengths.into_buffer_arg(),
        winners.clone().into_buffer_arg(),
        n,
        m,
        dim,
        query_stride,
        row_stride,
        m.div_ceil(splits),
        bank_type,
    );
    winners
}
