//! Frames of a camera, as its driver hands them out: bytes, stride and pixel format. Nothing is a file.
//!
//! `cargo run --release --example camera_buffer`

#![allow(clippy::missing_errors_doc, reason = "an example: whatever the library says")]

use patchcore::{Error, Model, PixelBuffer, PixelFormat, Settings};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;
/// Drivers pad their rows.
const STRIDE: usize = 128;

/// What a driver's buffer holds; of a defective part with a bright spot.
fn frame(number: usize, is_defective: bool) -> Vec<u8> {
    let pixel = |at: usize| {
        let (x, y) = (at % STRIDE, at / STRIDE);
        let grain = (x * 7 + y * 13 + number * 5) % 23;
        let spot = is_defective && (40..52).contains(&x) && (20..32).contains(&y);
        (60 + x / 4 % 2 * 40 + grain + if spot { 100 } else { 0 }) as u8
    };
    (0..STRIDE * HEIGHT as usize).map(pixel).collect()
}

/// The frame as it lies in the driver's memory; a fit copies it.
fn buffer(frame: &[u8]) -> PixelBuffer<'_> {
    PixelBuffer { data: frame, width: WIDTH, height: HEIGHT, stride: STRIDE, format: PixelFormat::Gray8 }
}

/// The scores of a good and of a defective part.
pub fn run() -> Result<[f32; 2], Error> {
    let settings = Settings { coreset_sampling_ratio: Some(0.25), ..Settings::default() };
    let good: Vec<Vec<u8>> = (0..6).map(|number| frame(number, false)).collect();
    let model = Model::fit(&settings, good.iter().map(|frame| buffer(frame)))?;

    let mut scores = [0.0; 2];
    for (score, is_defective) in scores.iter_mut().zip([false, true]) {
        let frame = frame(100, is_defective);
        let found = model.score(&patchcore::Photo::from_buffer(&buffer(&frame))?)?;
        println!("score {:.3}, worst at {:?}", found.score, found.worst_at);
        *score = found.score;
    }
    Ok(scores)
}

fn main() -> Result<(), Error> {
    run().map(|_| ())
}
