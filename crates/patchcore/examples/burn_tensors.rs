//! Tensors of Burn in, tensors out: an application that has its images on the device already scores them there.
//!
//! The interface with tensors is that of `patchcore-core`, whose version goes with Burn's.
//!
//! `cargo run --release --example burn_tensors`

#![allow(clippy::missing_errors_doc, reason = "an example: whatever the library says")]

use burn::tensor::{Tensor, TensorData};
use patchcore::config::{Architecture, Mode};
use patchcore_core::tensors::burn_device;
use patchcore_core::{ComputeDevice, Fitter, ImageInput};

const SIDE: usize = 64;

/// `[3, 64, 64]` planes in `[0, 1]`.
fn planes(number: usize) -> Vec<f32> {
    (0..3 * SIDE * SIDE).map(|at| (90 + at * 37 % (61 + number)) as f32 / 255.0).collect()
}

/// The image scores of two images, by tensors and by slices.
pub fn run() -> Result<[Vec<f32>; 2], Box<dyn std::error::Error>> {
    let config = Mode::Paper.config(Architecture::EFFICIENTNET_LITE0).with_coreset_sampling_ratio(0.25).check()?;
    let weights = patchcore::resolve_weights("efficientnet_lite0", None)?;
    let device = ComputeDevice::flex();
    let mut fitter = Fitter::new(config, &weights, &device)?;
    for number in 0..4 {
        fitter.add(ImageInput { width: SIDE, height: SIDE, pixels: &planes(number) })?;
    }
    let model = fitter.finish(&mut |_, _| true)?;

    let pixels = [planes(8), planes(9)];
    let data = TensorData::new(pixels.concat(), [2, 3, SIDE, SIDE]);
    let scored = model.score_tensors(Tensor::<4>::from_data(data, burn_device(&device)?))?;
    println!("scores {}, maps {:?}", scored.scores, scored.maps.dims());
    let by_tensors = scored.scores.try_into_vec_as::<f32>().map_err(|error| format!("{error:?}"))?;
    let mut by_slices = Vec::new();
    for pixels in &pixels {
        by_slices.push(model.score(ImageInput { width: SIDE, height: SIDE, pixels })?.score);
    }
    Ok([by_tensors, by_slices])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run().map(|_| ())
}
