//! f32 distances of a few vectors to all rows, from the differences.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Units that share a row.
const LANES: usize = 16;
/// Rows of a cube.
const ROWS: usize = 4;

/// Cubes along one axis: some APIs allow 65,535.
const WIDEST: usize = 32_768;

#[cube(launch)]
fn distances_kernel<B: Float>(
    vectors: &[f32],
    bank: &[B],
    squared: &mut [f32],
    m: usize,
    dim: usize,
    vector_stride: usize,
    row_stride: usize,
    #[define(B)] _bank_type: ElemType,
) {
    let lanes = comptime!(LANES);
    let unit = UNIT_POS as usize;
    let lane = unit % lanes;
    let cube = CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize;
    let row = cube * comptime!(ROWS) + unit / lanes;
    let vector = CUBE_POS_Z as usize;
    let mut sum = f32::new(0.0);
    if row < m {
        for turn in 0..(dim + lanes - 1) / lanes {
            let at = turn * lanes + lane;
            if at < dim {
                let apart = vectors[vector * vector_stride + at] - f32::cast_from(bank[row * row_stride + at]);
                sum += apart * apart;
            }
        }
    }
    let mut sums = Shared::<[f32]>::new_slice(comptime!(LANES * ROWS));
    sums[unit] = sum;
    sync_cube();
    if lane == 0 && row < m {
        let mut total = f32::new(0.0);
        for other in 0..lanes {
            total += sums[unit + other];
        }
        squared[vector * m + row] = total;
    }
}

/// `vectors` `[few, dim]` against `bank` `[m, dim]`: `[few, m]`.
pub(super) fn launch(vectors: &CubeTensor, bank: &CubeTensor) -> CubeTensor {
    let [few, dim] = vectors.meta.shape().dims::<2>();
    let [m, _] = bank.meta.shape().dims::<2>();
    let client = vectors.client.clone();
    let shape = Shape::from([few * m]);
    let squared = empty_device_contiguous_dtype(client.clone(), vectors.device.clone(), shape, DType::F32);
    let (vector_stride, row_stride) = (vectors.meta.strides()[0], bank.meta.strides()[0]);
    let cubes = m.div_ceil(ROWS);
    let wide = cubes.min(WIDEST);
    distances_kernel::launch(
        &client,
        CubeCount::Static(wide as u32, cubes.div_ceil(wide) as u32, few as u32),
        CubeDim::new_1d((LANES * ROWS) as u32),
        vectors.clone().into_buffer_arg(),
        bank.clone().into_buffer_arg(),
        squared.clone().into_buffer_arg(),
        m,
        dim,
        vector_stride,
        row_stride,
        crate::cube::element(bank),
    );
    squared
}
