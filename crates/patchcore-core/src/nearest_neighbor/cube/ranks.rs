//! The `k` least of many values, one after the other: each round takes the least value behind the last one taken, equal values by
//! their place. Nothing is sorted and nothing is crossed out.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::manual_div_ceil, clippy::too_many_arguments, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// Units of a cube, which takes one list of values.
const UNITS: usize = 256;

#[cube(launch)]
fn ranks_kernel(values: &[f32], ranked: &mut [i32], m: usize, k: usize, ranked_stride: usize) {
    let units = comptime!(UNITS);
    let unit = UNIT_POS as usize;
    let list = CUBE_POS_X as usize * m;
    let out = CUBE_POS_X as usize * ranked_stride;
    let mut least = Shared::<[f32]>::new_slice(comptime!(UNITS));
    let mut places = Shared::<[i32]>::new_slice(comptime!(UNITS));
    let mut last = f32::new(-1.0);
    let mut last_place = i32::new(-1);
    for rank in 0..k {
        let mut value = f32::new(f32::MAX);
        let mut place = i32::new(comptime!(i64::from(i32::MAX)));
        for turn in 0..(m + units - 1) / units {
            let at = turn * units + unit;
            if at < m {
                let own = i32::cast_from(at);
                // Distances beyond the range of f32 are all equally far.
                let candidate = min(values[list + at], f32::new(f32::MAX));
                let behind = candidate > last || (candidate == last && own > last_place);
                if behind && (candidate < value || (candidate == value && own < place)) {
                    value = candidate;
                    place = own;
                }
            }
        }
        least[unit] = value;
        places[unit] = place;
        sync_cube();
        // Each unit looks at all: none has to wait for another one's answer.
        for other in 0..units {
            let candidate = least[other];
            let own = places[other];
            if candidate < value || (candidate == value && own < place) {
                value = candidate;
                place = own;
            }
        }
        last = value;
        last_place = place;
        if unit == 0 {
            ranked[out + rank] = place;
        }
        sync_cube();
    }
}

/// The places of the `k` least of each of `[few, m]` values, which are 0 or more: `[few, k]`, the least first.
pub(super) fn launch(values: &CubeTensor, few: usize, k: usize) -> CubeTensor {
    let client = values.client.clone();
    let m = values.meta.shape().num_elements() / few;
    let ranked =
        empty_device_contiguous_dtype(client.clone(), values.device.clone(), Shape::from([few, k]), DType::I32);
    let ranked_stride = ranked.meta.strides()[0];
    ranks_kernel::launch(
        &client,
        CubeCount::Static(few as u32, 1, 1),
        CubeDim::new_1d(UNITS as u32),
        values.clone().into_buffer_arg(),
        ranked.clone().into_buffer_arg(),
        m,
        k,
        ranked_stride,
    );
    ranked
}
