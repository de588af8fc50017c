//! Queries as differences from the bank's mean, and their squared lengths.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Units of a cube, which takes one query.
const UNITS: usize = 64;

#[cube(launch)]
fn centre_kernel(
    queries: &[f32],
    mean: &[f32],
    centred: &mut [f32],
    lengths: &mut [f32],
    dim: usize,
    query_stride: usize,
    centred_stride: usize,
) {
    let units = comptime!(UNITS);
    let unit = UNIT_POS as usize;
    let query = CUBE_POS_X as usize;
    let mut sums = Shared::<[f32]>::new_slice(comptime!(UNITS));
    let mut sum = f32::new(0.0);
    for turn in 0..(dim + units - 1) / units {
        let at = turn * units + unit;
        if at < dim {
            let value = queries[query * query_stride + at] - mean[at];
            centred[query * centred_stride + at] = value;
            sum += value * value;
        }
    }
    sums[unit] = sum;
    sync_cube();
    if unit == 0 {
        let mut total = f32::new(0.0);
        for other in 0..units {
            total += sums[other];
        }
        lengths[query] = total;
    }
}

/// `queries - mean` `[n, dim]` and its squared lengths `[n]`.
pub(super) fn launch(queries: &CubeTensor, mean: &CubeTensor) -> (CubeTensor, CubeTensor) {
    let [n, dim] = queries.meta.shape().dims::<2>();
    let client = queries.client.clone();
    let empty = |shape| empty_device_contiguous_dtype(client.clone(), queries.device.clone(), shape, DType::F32);
    let (centred, lengths) = (empty(Shape::from([n, dim])), empty(Shape::from([n])));
    let (query_stride, centred_stride) = (queries.meta.strides()[0], centred.meta.strides()[0]);
    centre_kernel::launch(
        &client,
        CubeCount::Static(n as u32, 1, 1),
        CubeDim::new_1d(UNITS as u32),
        queries.clone().into_buffer_arg(),
        mean.clone().into_buffer_arg(),
        centred.clone().into_buffer_arg(),
        lengths.clone().into_buffer_arg(),
        dim,
        query_stride,
        centred_stride,
    );
    (centred, lengths)
}
