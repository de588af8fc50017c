//! The test cases of a device with tensors: one per operation that the network, the embedding, the coreset, the search and the
//! map rely on.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use burn::tensor::module::{conv2d, interpolate, max_pool2d};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Int, Tensor, TensorData, activation};

use super::expected_values::{Conv, bilinear, conv_relu, max_pool, product};
use super::reference::{deviation, values};
use super::test_case::{TestCase, exact, in_f32};
use crate::device::{ComputeDevice, Precision};
use crate::error::DeviceError;

pub(super) const OPERATIONS: [TestCase; 10] = [
    TestCase { name: "matrix product", run: matrix_product, tolerance: in_f32 },
    TestCase { name: "matrix product and what follows it", run: product_with_epilogue, tolerance: in_f32 },
    TestCase { name: "convolution 3x3", run: |device| conv(device, 16, 24, 1, 3, 1), tolerance: in_precision },
    TestCase { name: "convolution 7x7, stride 2", run: |device| conv(device, 3, 16, 1, 7, 2), tolerance: in_precision },
    TestCase {
        name: "convolution 1x1, stride 2",
        run: |device| conv(device, 16, 32, 1, 1, 2),
        tolerance: in_precision,
    },
    TestCase { name: "depthwise convolution", run: |device| conv(device, 24, 24, 24, 3, 1), tolerance: in_precision },
    TestCase { name: "max pool", run: pool, tolerance: in_precision },
    TestCase { name: "minimum with indices", run: minimum_with_indices, tolerance: exact },
    TestCase { name: "bilinear interpolation", run: interpolation, tolerance: in_f32 },
    TestCase { name: "padding, windows and gather", run: windows, tolerance: exact },
];

fn in_precision(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Tf32 | Precision::F16 => 1e-2,
        Precision::Bf16 => 6e-2,
    }
}

fn read<const D: usize>(device: &ComputeDevice, tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    tensor.try_into_vec_as::<f32>().map_err(|error| device.failed("self-check", error))
}

const EXTENTS: [usize; 3] = [70, 130, 94];

fn factors(device: &ComputeDevice) -> Result<(Vec<f32>, Vec<f32>, Tensor<2>, Tensor<2>), DeviceError> {
    let [n, k, m] = EXTENTS;
    let (a, b) = (values(n * k, 1), values(k * m, 2));
    let tensors = (device.tensor(a.clone(), [n, k])?, device.tensor(b.clone(), [k, m])?);
    Ok((a, b, tensors.0, tensors.1))
}

fn matrix_product(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let (a, b, left, right) = factors(device)?;
    Ok(deviation(&read(device, left.matmul(right))?, &product(&a, &b, EXTENTS)))
}

/// The shape of the search and of the coreset: a product, a factor, a row added, the least of each line.
fn product_with_epilogue(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let [n, _, m] = EXTENTS;
    let (a, b, left, right) = factors(device)?;
    let row = values(m, 3);
    let added = device.tensor(row.clone(), [1, m])?;
    let expected: Vec<f64> = product(&a, &b, EXTENTS).iter().map(|value| -2.0 * value).collect();
    let scaled = deviation(&read(device, left.clone().matmul(right.clone()) * -2.0)?, &expected);
    let least: Vec<f64> = expected
        .chunks_exact(m)
        .map(|line| line.iter().zip(&row).map(|(value, add)| value + f64::from(*add)).fold(f64::INFINITY, f64::min))
        .collect();
    let found = (left.matmul(right) * -2.0 + added).min_dim(1).reshape([n]);
    Ok(scaled.max(deviation(&read(device, found)?, &least)))
}

fn conv(
    device: &ComputeDevice,
    inputs: usize,
    outputs: usize,
    groups: usize,
    kernel: usize,
    stride: usize,
) -> Result<f64, DeviceError> {
    let extents = Conv { inputs, outputs, groups, side: 20, kernel, stride, padding: kernel / 2 };
    let per_group = inputs / groups;
    let mut image = values(inputs * 400, 4);
    let mut weight = values(outputs * per_group * kernel * kernel, 5);
    let mut bias = values(outputs, 6);
    // Values that every precision holds: only the sums are rounded.
    for value in image.iter_mut().chain(&mut weight).chain(&mut bias) {
        *value = (*value * 16.0).round() / 16.0;
    }
    let of = device.precision();
    let tensors = conv2d(
        of.of(device.tensor(image.clone(), [1, inputs, 20, 20])?),
        of.of(device.tensor(weight.clone(), [outputs, per_group, kernel, kernel])?),
        Some(of.of(device.tensor(bias.clone(), [outputs])?)),
        ConvOptions::new([stride; 2], [kernel / 2; 2], [1, 1], groups),
    );
    let found = read(device, of.back(activation::relu(tensors)))?;
    Ok(deviation(&found, &conv_relu(&image, &weight, &bias, extents)))
}

fn pool(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let planes = values(6 * 21 * 21, 7);
    let of = device.precision();
    let tensor = of.of(device.tensor(planes.clone(), [1, 6, 21, 21])?);
    let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
    let found = read(device, of.back(max_pool2d(tensor, options)))?;
    Ok(deviation(&found, &max_pool(&planes, 21)))
}

fn minimum_with_indices(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let (lines, columns) = (37, 301);
    // A few values only: equal ones must go to the lowest index.
    let table: Vec<f32> = values(lines * columns, 8).iter().map(|value| (value * 40.0).round()).collect();
    let (least, index) = device.tensor(table.clone(), [lines, columns])?.min_dim_with_indices(1);
    let index = index.try_into_vec_as::<i32>().map_err(|error| device.failed("self-check", error))?;
    let least = read(device, least)?;
    let wrong = table.chunks_exact(columns).zip(least.iter().zip(index)).filter(|(line, (value, at))| {
        let best = (0..columns).fold(0, |best, column| if line[column] < line[best] { column } else { best });
        line[best] != **value || best as i32 != *at
    });
    Ok(wrong.count() as f64 + f64::from(u8::from(least.len() != lines)))
}

fn interpolation(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let planes = values(5 * 14 * 14, 9);
    let options = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
    let tensor = device.tensor(planes.clone(), [1, 5, 14, 14])?;
    let found = read(device, interpolate(tensor, options.with_output_size([28, 28])))?;
    Ok(deviation(&found, &bilinear(&planes, 14, 28)))
}

/// Zero padding, the nine windows of a 3x3 neighbourhood side by side, a few of their channels, channels last.
fn windows(device: &ComputeDevice) -> Result<f64, DeviceError> {
    let (channels, side) = (4, 9);
    let planes = values(channels * side * side, 10);
    let padded = device.tensor(planes.clone(), [1, channels, side, side])?.pad((1, 1, 1, 1), PadMode::Constant(0.0));
    let window = |at: usize| {
        let (dy, dx) = (at / 3, at % 3);
        padded.clone().slice([0..1, 0..channels, dy..dy + side, dx..dx + side])
    };
    let unfolded = Tensor::cat((0..9).map(window).collect(), 1);
    let wanted = [35, 0, 17, 8];
    let index = Tensor::<1, Int>::from_data(TensorData::new(wanted.to_vec(), [4]), device.burn()?);
    let rows = unfolded.select(1, index).permute([0, 2, 3, 1]).reshape([side * side, 4]);
    let at = |channel: usize, y: usize, x: usize| {
        let inside = (1..=side).contains(&y) && (1..=side).contains(&x);
        if inside { planes[(channel * side + y - 1) * side + x - 1] } else { 0.0 }
    };
    let places = (0..side * side).flat_map(|cell| wanted.map(|wanted| (cell, wanted as usize)));
    let expected = places.map(|(cell, wanted)| {
        let (neighbor, channel) = (wanted / channels, wanted % channels);
        at(channel, cell / side + neighbor / 3, cell % side + neighbor % 3)
    });
    let found = read(device, rows)?;
    let expected: Vec<f32> = expected.collect();
    let wrong = found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
    Ok((wrong + found.len().abs_diff(expected.len())) as f64)
}
