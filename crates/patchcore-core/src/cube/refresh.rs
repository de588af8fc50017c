//! New values in a buffer that others hold too.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::launch::linear;

#[cube(launch)]
fn refresh_kernel(from: &[f32], to: &mut [f32], units: usize) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    to[unit] = from[unit];
}

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait Refresh: Backend {
    #[fusion(dtype = to, shape = to)]
    fn refresh(from: FloatTensor<Self>, to: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Refresh for CubeBackend {
    fn refresh(from: FloatTensor<Self>, to: FloatTensor<Self>) -> FloatTensor<Self> {
        let units = to.meta.num_elements();
        let (cubes, dim) = linear(units);
        refresh_kernel::launch(&to.client, cubes, dim, from.into_buffer_arg(), to.clone().into_buffer_arg(), units);
        to
    }
}

/// Writes the values of `from` into the memory of `to`, whoever else holds it.
pub(crate) fn refresh(from: Tensor<1>, to: Tensor<1>) {
    drop(Tensor::<1>::from_dispatch(Dispatch::refresh(from.into_dispatch(), to.into_dispatch())));
}
