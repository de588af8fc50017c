//! Products of matrices that round nothing but f32.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::bound::Bound;
use super::conv::{ConvInput, ConvShape, ConvTensors, Place, conv};

#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
trait Product: Backend {
    /// `[m, k]` times `[k, n]`, each on one axis in memory; `zeros` are `[n]` or more.
    #[fusion(dtype = DType::F32, shape = Shape::from([extents[0], extents[2]]))]
    fn product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        zeros: FloatTensor<Self>,
        extents: [usize; 3],
        bits: u32,
    ) -> FloatTensor<Self>;
}

impl Product for CubeBackend {
    fn product(
        left: FloatTensor<Self>,
        right: FloatTensor<Self>,
        zeros: FloatTensor<Self>,
        extents: [usize; 3],
        bits: u32,
    ) -> FloatTensor<Self> {
        launch(into_contiguous(left), into_contiguous(right), into_contiguous(zeros), extents, bits)
    }
}

/// The product of `[m, k]` and `[k, n]`, each value the sum of its `k` products in their order in f32, on a device of CubeCL. Burn's own
/// product may round its factors to TF32 where the device has units for that.
///
/// Factors keep `bits` bits behind their leading one ([`cut`](super::cut)); 23 leaves them as they are.
pub(crate) fn product(left: Tensor<2>, right: Tensor<2>, bits: u32) -> Tensor<2> {
    let ([m, k], [_, n]) = (left.dims(), right.dims());
    // What stands where a convolution has biases and a normalisation.
    let zeros = Tensor::<1>::zeros([n.max(6)], &left.device());
    // A tensor of one axis has no padded rows.
    let (left, right) = (left.reshape([m * k]), right.reshape([k * n]));
    let (left, right, zeros) = (left.into_dispatch(), right.into_dispatch(), zeros.into_dispatch());
    let product = Dispatch::product(left, right, zeros, [m, k, n], bits);
    Tensor::from_dispatch(product)
}

/// A product is a convolution whose window is one cell: rows of the left side are pixels, rows of the right side inputs.
fn launch(left: CubeTensor, right: CubeTensor, zeros: CubeTensor, [m, k, n]: [usize; 3], bits: u32) -> CubeTensor {
    let shape = Shape::from([m, n]);
    let output = empty_device_contiguous_dtype(left.client.clone(), left.device.clone(), shape, DType::F32);
    let layout = ConvInput { images: 1, height: 1, width: m, image_stride: m * k, pixel_stride: k, channel_stride: 1 };
    let shape = ConvShape {
        kernel: 1,
        stride: 1,
        padding: (0, 0),
        out_height: 1,
        out_width: m,
        groups: 1,
        inputs: k,
        outputs: n,
        output_stride: n,
        bound: Bound::Nothing,
        normalizes: false,
        bits,
        unit: None,
    };
    let place = |tensor: &CubeTensor| Place { tensor: tensor.clone(), start: 0 };
    let tensors = ConvTensors { weights: place(&right), biases: place(&zeros), normalization: zeros, prologue: None };
    let output = Place { tensor: output, start: 0 };
    conv(shape, (&place(&left), layout), tensors, None, &output);
    output.tensor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::test_networks::values;
    use crate::cube::{EVERY_BIT, cube_devices, cut_on_host};

    /// Sums in f64 of factors of so many bits.
    fn expected(a: &[f32], b: &[f32], [m, k, n]: [usize; 3], bits: u32) -> Vec<f64> {
        let cell = |row: usize, column: usize| {
            let factor = |value: f32| f64::from(cut_on_host(value, bits));
            (0..k).map(|at| factor(a[row * k + at]) * factor(b[at * n + column])).sum()
        };
        (0..m * n).map(|at| cell(at / n, at % n)).collect()
    }

    #[test]
    fn a_product_rounds_nothing_but_f32_and_on_a_simulated_device_its_factors() {
        // What no tile and no vector divides too; the third has the inner extent with which Burn was wrong (issue 5626).
        for extents @ [m, k, n] in [[1, 1, 1], [70, 130, 94], [33, 440, 65], [64, 128, 32]] {
            let (a, b) = (values(m * k, 1), values(k * n, 2));
            for device in cube_devices() {
                for bits in [EVERY_BIT, 10, 7] {
                    let (left, right) =
                        (device.tensor(a.clone(), [m, k]).unwrap(), device.tensor(b.clone(), [k, n]).unwrap());
                    let found = product(left, right, bits).try_into_vec_as::<f32>().unwrap();
                    let expected = expected(&a, &b, extents, bits);
                    let scale = expected.iter().fold(1e-9f64, |scale, value| scale.max(value.abs()));
                    let off = found.iter().zip(&expected).map(|(found, expected)| (f64::from(*found) - expected).abs());
                    let off = off.fold(0.0, f64::max) / scale;
                    assert!(off < 2e-6, "{extents:?}, {bits} bits on {}: {off:e}", device.name());
                }
            }
        }
    }
}
