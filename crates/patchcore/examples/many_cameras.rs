//! Many cameras, one model: every camera has a thread, all of them score with the same model, and none has a copy of it.
//!
//! `cargo run --release --example many_cameras`

#![allow(clippy::missing_errors_doc, reason = "an example: whatever the library says")]

use patchcore::{Error, Model, Photo, PixelBuffer, PixelFormat, Settings};

/// The next frame of a camera.
fn frame(camera: usize, number: usize) -> Result<Photo, Error> {
    let data: Vec<u8> = (0..64 * 64).map(|at| (at * 37 % (61 + camera + number)) as u8 + 90).collect();
    let buffer = PixelBuffer { data: &data, width: 64, height: 64, stride: 64, format: PixelFormat::Gray8 };
    Ok(Photo::from_buffer(&buffer)?.with_name(format!("camera {camera}, frame {number}")))
}

/// The scores of each camera's frames.
pub fn run(cameras: usize, frames: usize) -> Result<Vec<Vec<f32>>, Error> {
    let settings = Settings { coreset_sampling_ratio: Some(0.25), ..Settings::default() };
    let model = Model::fit(&settings, (0..4).map(|number| frame(0, number)))?;
    std::thread::scope(|scope| {
        let watch = |camera: usize| {
            // A clone shares everything that is large; a reference would do as well.
            let model = model.clone();
            scope.spawn(move || (0..frames).map(|number| Ok(model.score(&frame(camera, number)?)?.score)).collect())
        };
        let threads: Vec<_> = (0..cameras).map(watch).collect();
        let scores = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(scores) => scores,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(scores).collect()
    })
}

fn main() -> Result<(), Error> {
    for (camera, scores) in run(4, 5)?.iter().enumerate() {
        println!("camera {camera}: {scores:.3?}");
    }
    Ok(())
}
