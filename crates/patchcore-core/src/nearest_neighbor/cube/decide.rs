//! Phase 2: the f32 distances of what survived, the nearest row, and whether f32 can tell it from the next ones.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::collapsible_if, reason = "a device computes both sides of `&&`")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::bound::{Bound, CHUNK, CHUNK_ALONE, LANES};
use super::tile::BLOCK;
use crate::nearest_neighbor::exact::{ALONE, SEVERAL};

/// Rows that are computed that way.
const FEW: usize = 4;
/// Units of a cube, which takes one query.
const UNITS: usize = LANES * FEW;
/// What a row has for half its squared length that is a copy of a row before it: no survivor.
pub(crate) const COPY: f32 = 1e38;
/// From which half length on a row is one.
const LEAST_COPY: f32 = 9e37;
/// Squared distance, from the differences, of every `step`th value from `start` on.
#[cube]
fn squared_distance<B: Float>(
    queries: &[f32],
    bank: &[B],
    query: usize,
    row: usize,
    dim: usize,
    start: usize,
    #[comptime] step: usize,
    #[comptime] chunk: usize,
) -> f32 {
    let mut total = f32::new(0.0);
    let span = comptime!(step * chunk);
    for turn in 0..(dim + span - 1) / span {
        let mut sum = f32::new(0.0);
        #[unroll]
        for i in 0..chunk {
            let at = turn * span + i * step + start;
            if at < dim {
                let apart = queries[query + at] - f32::cast_from(bank[row + at]);
                sum += apart * apart;
            }
        }
        total += sum;
    }
    total
}

/// The three least: value and row of the first two, the value of the third.
#[cube]
fn insert(value: f32, row: i32, values: &mut Array<f32>, rows: &mut Array<i32>) {
    if value < values[0] || (value == values[0] && row < rows[0]) {
        values[2] = values[1];
        values[1] = values[0];
        rows[1] = rows[0];
        values[0] = value;
        rows[0] = row;
    } else if value < values[1] || (value == values[1] && row < rows[1]) {
        values[2] = values[1];
        values[1] = value;
        rows[1] = row;
    } else if value < values[2] {
        values[2] = value;
    }
}

#[cube(launch)]
fn decide_kernel<B: Float>(
    queries: &[f32],
    bank: &[B],
    half_lengths: &[f32],
    list: &[i32],
    counts: &[i32],
    nearest: &mut [i32],
    others: &mut [i32],
    squared: &mut [f32],
    n: usize,
    m: usize,
    dim: usize,
    query_stride: usize,
    row_stride: usize,
    blocks: usize,
    distance: f32,
    tiny: f32,
    #[define(B)] _bank_type: ElemType,
) {
    let block = comptime!(BLOCK);
    let lanes = comptime!(LANES);
    let few = comptime!(FEW);
    let units = comptime!(UNITS);
    let unit = UNIT_POS as usize;
    let at = CUBE_POS_X as usize;
    let query = at * query_stride;
    let marked = counts[at];
    let decidable = marked >= 0;
    let count = select(decidable, marked, i32::new(-1) - marked) as usize;

    let mut values = Array::<f32>::new(3usize);
    let mut rows = Array::<i32>::new(2usize);
    #[unroll]
    for i in 0..3usize {
        values[i] = f32::new(f32::MAX);
    }
    #[unroll]
    for i in 0..2usize {
        rows[i] = i32::new(comptime!(i64::from(i32::MAX)));
    }

    let mut rows_alone = count <= few;
    #[unroll]
    for slot in 0..few {
        if slot < blocks && slot < count && list[slot * n + at] < 0 {
            rows_alone = false;
        }
    }
    let mut partial = Shared::<[f32]>::new_slice(comptime!(UNITS));
    let mut sum = f32::new(0.0);
    let slot = unit / lanes;
    let lane = unit % lanes;
    let mut own_row = 0usize;
    if rows_alone {
        if slot < count {
            own_row = list[slot * n + at] as usize;
            let row = own_row * row_stride;
            sum = squared_distance::<B>(queries, bank, query, row, dim, lane, comptime!(LANES), comptime!(CHUNK));
        }
    } else {
        for entry in 0..count {
            let which = list[entry * n + at];
            let mut row = m;
            if which >= 0 {
                if entry % units == unit {
                    row = which as usize;
                }
            } else {
                row = (i32::new(-1) - which) as usize * block + unit;
            }
            if row < m {
                if half_lengths[row] < f32::new(comptime!(LEAST_COPY)) {
                    let start = row * row_stride;
                    let value = squared_distance::<B>(
                        queries,
                        bank,
                        query,
                        start,
                        dim,
                        0usize,
                        comptime!(1usize),
                        comptime!(CHUNK_ALONE),
                    );
                    insert(value, i32::cast_from(row), &mut values, &mut rows);
                }
            }
        }
    }
    partial[unit] = sum;
    sync_cube();
    if rows_alone && lane == 0 && slot < count {
        let mut total = f32::new(0.0);
        for other in 0..lanes {
            total += partial[unit + other];
        }
        insert(total, i32::cast_from(own_row), &mut values, &mut rows);
    }

    // The units' three least meet in shared memory.
    let mut all_values = Shared::<[f32]>::new_slice(comptime!(3 * UNITS));
    let mut all_rows = Shared::<[i32]>::new_slice(comptime!(2 * UNITS));
    #[unroll]
    for i in 0..3usize {
        all_values[i * units + unit] = values[i];
    }
    #[unroll]
    for i in 0..2usize {
        all_rows[i * units + unit] = rows[i];
    }
    sync_cube();
    if unit == 0 {
        for other in 1..units {
            insert(all_values[other], all_rows[other], &mut values, &mut rows);
            insert(all_values[units + other], all_rows[units + other], &mut values, &mut rows);
            // A third one is no candidate for a row: only how near it is counts.
            let third = all_values[2 * units + other];
            if third < values[2] {
                values[2] = third;
            }
        }
        let upper = values[0] + values[0] * distance + tiny;
        let mut other = i32::new(comptime!(i64::from(ALONE)));
        if values[1] - values[1] * distance <= upper {
            other = rows[1];
        }
        if values[2] - values[2] * distance <= upper {
            other = i32::new(comptime!(i64::from(SEVERAL)));
        }
        if !decidable {
            other = i32::new(comptime!(i64::from(SEVERAL)));
        }
        let mut row = rows[0];
        if row >= i32::cast_from(m) {
            // No distance was a number: the host decides.
            row = i32::new(0);
            other = i32::new(comptime!(i64::from(SEVERAL)));
        }
        nearest[at] = row;
        others[at] = other;
        squared[at] = values[0];
    }
}

/// What phase 2 reads beside the list of survivors.
pub(super) struct Survivors<'a> {
    /// `[n, dim]` f32, as they are.
    pub(super) queries: &'a CubeTensor,
    /// `[m, dim]` f32 or f16, as they are.
    pub(super) bank: &'a CubeTensor,
    /// `[m]`.
    pub(super) half_lengths: &'a CubeTensor,
    /// `[blocks, n]`.
    pub(super) list: &'a CubeTensor,
    /// `[n]`.
    pub(super) counts: &'a CubeTensor,
}

impl Survivors<'_> {
    /// `[n]` each: the nearest row; another one that may be as near, [`ALONE`] or [`SEVERAL`]; the nearest one's squared distance.
    pub(super) fn decide(self, bound: &Bound) -> (CubeTensor, CubeTensor, CubeTensor) {
        let Self { queries, bank, half_lengths, list, counts } = self;
        let [n, dim] = queries.meta.shape().dims::<2>();
        let [m, _] = bank.meta.shape().dims::<2>();
        let [blocks, _] = list.meta.shape().dims::<2>();
        let client = queries.client.clone();
        let empty =
            |dtype| empty_device_contiguous_dtype(client.clone(), queries.device.clone(), Shape::from([n]), dtype);
        let (nearest, others, squared) = (empty(DType::I32), empty(DType::I32), empty(DType::F32));
        let (query_stride, row_stride) = (queries.meta.strides()[0], bank.meta.strides()[0]);
        decide_kernel::launch(
            &client,
            CubeCount::Static(n as u32, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            queries.clone().into_buffer_arg(),
            bank.clone().into_buffer_arg(),
            half_lengths.clone().into_buffer_arg(),
            list.clone().into_buffer_arg(),
            counts.clone().into_buffer_arg(),
            nearest.clone().into_buffer_arg(),
            others.clone().into_buffer_arg(),
            squared.clone().into_buffer_arg(),
            n,
            m,
            dim,
            query_stride,
            row_stride,
            blocks,
            bound.distance,
            bound.tiny_distance,
            crate::cube::element(bank),
        );
        (nearest, others, squared)
    }
}
