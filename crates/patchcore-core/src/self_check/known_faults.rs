//! Shapes for which drivers or earlier kernels have given wrong answers, each with its issue: every one is asked.
//!
//! A kernel is chosen by the shape, and reads a tile too far or not at all for some shapes only. These have been seen to go wrong;
//! Burn's issues are those of github.com/tracel-ai/burn, cubek's those of github.com/tracel-ai/cubek.
//!
//! What cannot be asked as one shape is asked otherwise: networks that are wrong as a whole (burn 4461 and 5237, with fusion burn
//! 5202, whose values were not finite, and in f16 burn 5162) by [`of_model`](super::of_model), which compares a model's whole network with
//! the CPU's; kernels that are refused or end the process (burn 3524 and 4211) by the process of its own in which the program
//! tries a device.

use patchcore_config::backbone::plan::MapShape;

use super::layer::Layer;
use super::on_device::forward_on;
use super::products::{matrix_product, tolerance_in};
use super::test_case::{TestCase, sums_in};
use crate::device::ComputeDevice;

/// On a CPU that poses as a GPU a question that would take seconds is asked at the smallest shape that still has what went wrong.
pub(super) fn cases(device: &ComputeDevice) -> Vec<TestCase> {
    let small = device.properties().is_software;
    let pick = |full: usize, least: usize| if small { least } else { full };
    let product = |issue: &str, extents: [usize; 3]| {
        let [n, k, m] = extents;
        let name = format!("matrix product {n} x {k} by {k} x {m} ({issue})");
        TestCase::new(name, tolerance_in(device.precision()), move |device| matrix_product(device, extents))
    };
    let pointwise = |issue: &str, inputs, outputs, side, images| {
        let layer =
            Layer::conv(MapShape { channels: inputs, height: side, width: side }, outputs, 1, 1, 1).at_once(images);
        let positions = side * side * images;
        let name = format!("convolution 1x1, {inputs} to {outputs} channels, {positions} positions ({issue})");
        TestCase::new(name, sums_in(device.precision()), move |device| layer.deviation(&*forward_on(device)))
    };
    vec![
        // An odd number of stages of eight channels: a stage too many was read.
        pointwise("burn 5626", 104, pick(208, 64), pick(64, 16), 1),
        pointwise("burn 5626", 440, pick(440, 64), pick(64, 16), 1),
        // In f16, from 32,768 positions on: photos of 256 x 256, eight at once, in the second stage of EfficientNet-Lite0.
        pointwise("cubek 519", 96, pick(24, 8), 64, 8),
        // Near zero from about 500 rows on, whatever the other extents.
        product("burn 4966", [535, pick(1024, 64), pick(1024, 64)]),
        product("burn 4966", [1024, pick(1024, 64), pick(1024, 64)]),
        // Extents that are no multiple of a tile beside ones that are.
        product("burn 4355", [257, 384, 1152]),
    ]
}
