//! Phase 1: the least approximate value of every query in every block of bank rows, by tiles of products.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use crate::cube::cut;
use crate::device::ComputeDevice;

/// Queries and bank rows of one cube.
pub(crate) const EDGE: usize = 128;
/// Bank rows of which the least value is kept: half of what a cube looks at.
pub(crate) const BLOCK: usize = 64;
/// Blocks of one cube.
const BLOCKS: usize = EDGE / BLOCK;
/// Values of a row that lie in shared memory at once, and whose products are written out one after the other: half as many took a third
/// longer on a software device.
const DEPTH: usize = 8;
/// From one axis to the next in shared memory: four more than a cube's rows, so that units that write side by side meet different
/// banks.
const STRIDE: usize = EDGE + 4;
/// Queries of a cube whose results meet in shared memory at once.
const MEETING: usize = 64;

/// What a tile computes of a query and a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `half length of the row - product`: what the search compares, one multiply-add an axis.
    Product,
    /// `||query - row||²` from the differences: twice the arithmetic, and a relative error alone.
    Difference,
}

/// How a cube's 128 x 128 values are shared among its units.
///
/// A value read from shared memory is multiplied as often as the tile is long, so that a long tile reads little; but it takes registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TileShape {
    /// 256 units with 8 x 8 values each: what the registers of a GPU hold.
    Registers,
    /// 64 units with 16 x 16: for a CPU that poses as a GPU. There a read costs ten times a multiply-add, and what is in no
    /// register is in the first cache.
    Software,
}

impl TileShape {
    /// The shape for a device.
    pub(crate) fn of(device: &ComputeDevice) -> Self {
        if device.properties().is_software { Self::Software } else { Self::Registers }
    }

    /// Units along each side of a cube.
    fn side(self) -> usize {
        match self {
            Self::Registers => 16,
            Self::Software => 8,
        }
    }
}

/// One cube: [`EDGE`] queries against as many rows. `least`, `rows` and `second` are `[blocks, n]`: the least value of a block, the
/// row of it (the lowest of equal ones), and the second least value.
#[cube(launch)]
fn tile_kernel<B: Float>(
    queries: &[f32],
    bank: &[B],
    half_lengths: &[f32],
    least: &mut [f32],
    rows: &mut [i32],
    second: &mut [f32],
    n: usize,
    m: usize,
    dim: usize,
    query_stride: usize,
    row_stride: usize,
    #[comptime] bits: u32,
    #[comptime] difference: bool,
    #[comptime] side: usize,
    #[define(B)] _bank_type: ElemType,
) {
    let tile = comptime!(EDGE / side);
    let share = comptime!(MEETING / side);
    let edge = comptime!(EDGE);
    let depth = comptime!(DEPTH);
    let stride = comptime!(STRIDE);
    let block = comptime!(BLOCK);
    let unit = UNIT_POS as usize;
    let unit_row = unit / side;
    let unit_query = unit % side;
    let first_query = CUBE_POS_X as usize * edge;
    let first_row = CUBE_POS_Y as usize * edge;

    // `[DEPTH, STRIDE]`: units that work side by side read neighbouring values.
    let mut query_slice = Shared::<[f32]>::new_slice(comptime!(DEPTH * STRIDE));
    let mut row_slice = Shared::<[f32]>::new_slice(comptime!(DEPTH * STRIDE));

    // One array a query: compilers keep small ones in registers.
    let mut sums = Sequence::<Array<f32>>::new();
    #[unroll]
    for _ in 0..tile {
        let mut of_query = Array::<f32>::new(tile);
        #[unroll]
        for r in 0..tile {
            of_query[r] = f32::new(0.0);
        }
        sums.push(of_query);
    }
    let slices = (dim + depth - 1) / depth;
    for s in 0..slices {
        // The units bring 2 x 1,024 values.
        #[unroll]
        for part in 0..comptime!(EDGE * DEPTH / (side * side)) {
            let place = unit + part * comptime!(side * side);
            let line = place / depth;
            let axis = place % depth;
            let at = s * depth + axis;
            let query = first_query + line;
            let row = first_row + line;
            let mut query_value = f32::new(0.0);
            if query < n && at < dim {
                query_value = queries[query * query_stride + at];
            }
            let mut row_value = f32::new(0.0);
            if row < m && at < dim {
                row_value = f32::cast_from(bank[row * row_stride + at]);
            }
            query_slice[axis * stride + line] = cut(query_value, bits);
            row_slice[axis * stride + line] = cut(row_value, bits);
        }
        sync_cube();
        #[unroll]
        for axis in 0..depth {
            let mut row_values = Array::<f32>::new(tile);
            #[unroll]
            for r in 0..tile {
                row_values[r] = row_slice[axis * stride + unit_row + r * side];
            }
            #[unroll]
            for q in 0..tile {
                let value = query_slice[axis * stride + unit_query + q * side];
                let of_query = sums.index_mut(q);
                #[unroll]
                for r in 0..tile {
                    if comptime!(difference) {
                        let apart = value - row_values[r];
                        of_query[r] += apart * apart;
                    } else {
                        of_query[r] += value * row_values[r];
                    }
                }
            }
        }
        sync_cube();
    }

    // The units that share a query meet in shared memory, a block and 64 queries at a time.
    let mut row_of = Shared::<[f32]>::new_slice(comptime!(side * MEETING));
    #[unroll]
    for b in 0..comptime!(BLOCKS) {
        #[unroll]
        for group in 0..comptime!(tile / share) {
            #[unroll]
            for q in 0..share {
                let of_query = sums.index(group * share + q);
                let mut best = f32::new(f32::MAX);
                let mut next = f32::new(f32::MAX);
                // Rows of a block are counted in f32, which holds such numbers exactly.
                let mut best_row = f32::new(0.0);
                #[unroll]
                for r in 0..comptime!(tile / BLOCKS) {
                    let in_block = unit_row + r * side;
                    let row = first_row + b * block + in_block;
                    if row < m {
                        let sum = of_query[b * comptime!(tile / BLOCKS) + r];
                        let mut value = sum;
                        if comptime!(!difference) {
                            value = half_lengths[row] - sum;
                        }
                        if value < best {
                            next = best;
                            best = value;
                            best_row = f32::cast_from(in_block);
                        } else if value < next {
                            next = value;
                        }
                    }
                }
                let place = unit_row * comptime!(MEETING) + unit_query + q * side;
                query_slice[place] = best;
                row_slice[place] = next;
                row_of[place] = best_row;
            }
            sync_cube();
            // As many units as queries, or more of them.
            if unit < comptime!(MEETING) {
                let query = first_query + group * comptime!(MEETING) + unit;
                let first = first_row + b * block;
                if query < n && first < m {
                    let mut best = query_slice[unit];
                    let mut next = row_slice[unit];
                    let mut best_row = row_of[unit];
                    for other in 1..side {
                        let place = other * comptime!(MEETING) + unit;
                        let value = query_slice[place];
                        let after = row_slice[place];
                        let row = row_of[place];
                        if value < best || (value == best && row < best_row) {
                            if best < after {
                                next = best;
                            } else {
                                next = after;
                            }
                            best = value;
                            best_row = row;
                        } else if value < next {
                            next = value;
                        }
                    }
                    let out = (first / block) * n + query;
                    least[out] = best;
                    rows[out] = i32::cast_from(first) + i32::cast_from(best_row);
                    second[out] = next;
                }
            }
            sync_cube();
        }
    }
}

/// What a search, or an update of the coreset, looks for and where.
pub(crate) struct Tiles<'a> {
    /// `[n, dim]` f32, contiguous.
    pub(crate) queries: &'a CubeTensor,
    /// `[m, dim]` f32 or f16, contiguous.
    pub(crate) bank: &'a CubeTensor,
    /// `[m]`; not looked at for [`Form::Difference`].
    pub(crate) half_lengths: &'a CubeTensor,
    pub(crate) form: Form,
    /// Bits of the factors.
    pub(crate) bits: u32,
    pub(crate) shape: TileShape,
}

/// `[blocks, n]` each.
pub(crate) struct Minima {
    pub(crate) least: CubeTensor,
    pub(crate) rows: CubeTensor,
    pub(crate) second: CubeTensor,
}

impl Tiles<'_> {
    /// Launches the kernel on the device of its inputs.
    pub(crate) fn launch(self) -> Minima {
        let Self { queries, bank, half_lengths, form, bits, shape } = self;
        let side = shape.side();
        let [n, dim] = queries.meta.shape().dims::<2>();
        let [m, _] = bank.meta.shape().dims::<2>();
        let client = queries.client.clone();
        let empty = |dtype| {
            let shape = Shape::from([m.div_ceil(BLOCK), n]);
            empty_device_contiguous_dtype(client.clone(), queries.device.clone(), shape, dtype)
        };
        let minima = Minima { least: empty(DType::F32), rows: empty(DType::I32), second: empty(DType::F32) };
        // CubeCL may pad the rows of what it calls contiguous.
        let (query_stride, row_stride) = (queries.meta.strides()[0], bank.meta.strides()[0]);
        tile_kernel::launch(
            &client,
            CubeCount::Static(n.div_ceil(EDGE) as u32, m.div_ceil(EDGE) as u32, 1),
            CubeDim::new_2d(side as u32, side as u32),
            queries.clone().into_buffer_arg(),
            bank.clone().into_buffer_arg(),
            half_lengths.clone().into_buffer_arg(),
            minima.least.clone().into_buffer_arg(),
            minima.rows.clone().into_buffer_arg(),
            minima.second.clone().into_buffer_arg(),
            n,
            m,
            dim,
            query_stride,
            row_stride,
            bits,
            form == Form::Difference,
            side,
            crate::cube::element(bank),
        );
        minima
    }
}
