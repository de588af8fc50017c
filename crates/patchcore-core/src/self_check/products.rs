//! The test cases of matrix products.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use burn::tensor::Tensor;

use super::expected_values::{product, sampled};
use super::reference::{deviation, values};
use super::test_case::{TestCase, sums_in};
use crate::device::{ComputeDevice, Precision};
use crate::error::DeviceError;

/// No extent is a multiple of a tile.
const EXTENTS: [usize; 3] = [70, 130, 94];

pub(super) fn cases(device: &ComputeDevice) -> Vec<TestCase> {
    let tolerance = tolerance_in(device.precision());
    vec![
        TestCase::new("matrix product", tolerance, |device| matrix_product(device, EXTENTS)),
        TestCase::new("matrix product and what follows it", tolerance, product_with_epilogue),
    ]
}

/// The precision is that of the network: products keep their factors in f32, and at most those of tf32 where that is not f32.
pub(super) fn tolerance_in(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => sums_in(Precision::F32),
        Precision::Tf32 | Precision::F16 | Precision::Bf16 => sums_in(Precision::Tf32),
    }
}

/// `[n, k] x [k, m]` on the device, as the steps of a fit and a score have it.
fn product_on(device: &ComputeDevice, left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "cube")]
    if device.has_cube_kernels() {
        return crate::cube::product(left, right, device.simulated_bits());
    }
    let _ = device;
    left.matmul(right)
}

pub(super) fn read<const D: usize>(device: &ComputeDevice, tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    tensor.try_into_vec_as::<f32>().map_err(|error| device.failed("self-check", error))
}

type Factors = ([Vec<f32>; 2], [Tensor<2>; 2]);

fn factors(device: &ComputeDevice, [n, k, m]: [usize; 3]) -> Result<Factors, DeviceError> {
    let (a, b) = (values(n * k, 1), values(k * m, 2));
    let tensors = [device.tensor(a.clone(), [n, k])?, device.tensor(b.clone(), [k, m])?];
    Ok(([a, b], tensors))
}

/// A product of such extents.
pub(super) fn matrix_product(device: &ComputeDevice, extents: [usize; 3]) -> Result<f64, DeviceError> {
    let [n, k, m] = extents;
    let ([a, b], [left, right]) = factors(device, extents)?;
    let found = read(device, product_on(device, left, right))?;
    if found.len() != n * m || found.iter().any(|value| !value.is_finite()) {
        return Ok(f64::INFINITY);
    }
    let found: Vec<f32> = sampled(n * m, k).map(|at| found[at]).collect();
    Ok(deviation(&found, &product(&a, &b, extents)))
}

/// The shape of the search and of the coreset: a product, a factor, a row added, the least of each line.
fn product_with_epilogue(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let [n, _, m] = EXTENTS;
    let ([a, b], [left, right]) = factors(device, EXTENTS)?;
    let row = values(m, 3);
    let added = device.tensor(row.clone(), [1, m])?;
    let expected: Vec<f64> = product(&a, &b, EXTENTS).iter().map(|value| -2.0 * value).collect();
    let scaled = read(device, product_on(device, left.clone(), right.clone()) * -2.0)?;
    let scaled = deviation(&scaled, &expected);
    let least: Vec<f64> = expected
        .chunks_exact(m)
        .map(|line| line.iter().zip(&row).map(|(value, add)| value + f64::from(*add)).fold(f64::INFINITY, f64::min))
        .collect();
    let found = (product_on(device, left, right) * -2.0 + added).min_dim(1).reshape([n]);
    Ok(scaled.max(deviation(&read(device, found)?, &least)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Factors of eleven bits, as matrix units make them of f32: too far off for f32, as they should be for tf32.
    #[test]
    fn the_tolerances_tell_cut_factors_from_whole_ones() {
        for extents in [EXTENTS, [257, 384, 1152], [64, 4096, 64]] {
            let [n, k, m] = extents;
            let cut =
                |values: &[f32]| values.iter().map(|value| half::f16::from_f32(*value).to_f32()).collect::<Vec<_>>();
            let (a, b) = (values(n * k, 1), values(k * m, 2));
            let found: Vec<f32> = product(&cut(&a), &cut(&b), extents).iter().map(|value| *value as f32).collect();
            let off = deviation(&found, &product(&a, &b, extents));
            println!("{extents:?}: factors of eleven bits are off by {off:.1e}");
            assert!(off > 5.0 * tolerance_in(Precision::F32), "{extents:?}: {off}");
            assert!(off < tolerance_in(Precision::Tf32) / 5.0, "{extents:?}: {off}");
        }
    }
}
