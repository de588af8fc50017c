//! The test cases of what else tensors are asked for: by the embedding, the coreset, the search and the map.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions, PadMode};
use burn::tensor::{Int, Tensor, TensorData};

use super::expected_values::bilinear;
use super::products::read;
use super::reference::{deviation, values};
use super::test_case::{EXACT, IN_F32, TestCase};
use crate::device::ComputeDevice;
use crate::error::DeviceError;

pub(super) fn cases() -> Vec<TestCase> {
    vec![
        TestCase::new("minimum with indices", EXACT, minimum_with_indices),
        TestCase::new("bilinear interpolation", IN_F32, interpolation),
        TestCase::new("padding, windows and gather", EXACT, windows),
    ]
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
