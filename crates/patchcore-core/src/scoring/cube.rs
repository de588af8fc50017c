//! The growth of maps by a CubeCL kernel: one axis after the other.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, clippy::manual_div_ceil, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use patchcore_cpu::map::Banded;

use crate::cube::linear;

/// One unit: one value of a grown axis, the sum over the band of its line.
///
/// Values lie `[outer, grid, inner]` before and `[outer, grown, inner]` after. `lines` holds per line where its band begins among the
/// cells, where among the weights, and how many they are.
#[cube(launch)]
fn grow_kernel(
    values: &[f32],
    lines: &[i32],
    weights: &[f32],
    grown: &mut [f32],
    units: usize,
    cells: usize,
    pixels: usize,
    inner: usize,
) {
    let unit = ABSOLUTE_POS;
    if unit >= units {
        terminate!();
    }
    let beside = unit % inner;
    let pixel = unit / inner % pixels;
    let outer = unit / (inner * pixels);
    let first = usize::cast_from(lines[pixel * 3]);
    let from = usize::cast_from(lines[pixel * 3 + 1]);
    let count = usize::cast_from(lines[pixel * 3 + 2]);
    let mut sum = f32::new(0.0);
    for at in 0..count {
        sum += weights[from + at] * values[(outer * cells + first + at) * inner + beside];
    }
    grown[unit] = sum;
}

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait GrowAxis: Backend {
    /// `[outer x cells x inner]` to `[outer x pixels x inner]`, one axis in memory.
    #[fusion(dtype = DType::F32, shape = Shape::from([values.num_elements() / *cells * *pixels]))]
    fn grow_axis(
        values: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        lines: IntTensor<Self>,
        cells: usize,
        pixels: usize,
        inner: usize,
    ) -> FloatTensor<Self>;
}

impl GrowAxis for CubeBackend {
    fn grow_axis(
        values: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        lines: IntTensor<Self>,
        cells: usize,
        pixels: usize,
        inner: usize,
    ) -> FloatTensor<Self> {
        let (values, weights, lines) = (into_contiguous(values), into_contiguous(weights), into_contiguous(lines));
        let units = values.meta.num_elements() / cells * pixels;
        let (client, device) = (values.client.clone(), values.device.clone());
        let grown = empty_device_contiguous_dtype(client.clone(), device, Shape::from([units]), DType::F32);
        let (cubes, dim) = linear(units);
        grow_kernel::launch(
            &client,
            cubes,
            dim,
            values.into_buffer_arg(),
            lines.into_buffer_arg(),
            weights.into_buffer_arg(),
            grown.clone().into_buffer_arg(),
            units,
            cells,
            pixels,
            inner,
        );
        grown
    }
}

/// The matrix of one axis on a device: its bands alone.
#[derive(Debug, Clone)]
pub(crate) struct GrownAxis {
    cells: usize,
    pixels: usize,
    weights: Tensor<1>,
    lines: Tensor<1, Int>,
}

impl GrownAxis {
    /// The matrix `[pixels, cells]` of an axis.
    pub(crate) fn new(matrix: &Banded, device: &Device) -> Self {
        let (mut weights, mut lines) = (Vec::new(), Vec::new());
        for pixel in 0..matrix.rows() {
            let (first, band) = matrix.row(pixel);
            lines.extend([first, weights.len(), band.len()].map(|value| value as i32));
            weights.extend_from_slice(band);
        }
        let (of_weights, of_lines) = ([weights.len()], [lines.len()]);
        Self {
            cells: matrix.columns(),
            pixels: matrix.rows(),
            weights: Tensor::from_data(TensorData::new(weights, of_weights), device),
            lines: Tensor::from_data(TensorData::new(lines, of_lines), device),
        }
    }

    /// Grows the axis that has `inner` values behind each of its cells.
    pub(crate) fn grow(&self, values: Tensor<1>, inner: usize) -> Tensor<1> {
        let grown = Dispatch::grow_axis(
            values.into_dispatch(),
            self.weights.clone().into_dispatch(),
            self.lines.clone().into_dispatch(),
            self.cells,
            self.pixels,
            inner,
        );
        Tensor::from_dispatch(grown)
    }
}
