//! A fit that says how far it is, and that another thread can stop: what a window with a progress bar and a button does.
//!
//! `cargo run --release --example progress_and_cancel`

#![allow(clippy::missing_errors_doc, reason = "an example: whatever the library says")]

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use patchcore::{Error, FitOptions, FitReport, Model, Photo, PixelBuffer, PixelFormat, Settings};

fn photo(number: usize) -> Result<Photo, Error> {
    let data: Vec<u8> = (0..64 * 64).map(|at| (at * 37 % (61 + number)) as u8 + 90).collect();
    let buffer = PixelBuffer { data: &data, width: 64, height: 64, stride: 64, format: PixelFormat::Gray8 };
    Ok(Photo::from_buffer(&buffer)?)
}

/// Fits on a few photos; `button` is what a user may press meanwhile, `shown` gets what a progress bar shows.
pub fn run(button: &AtomicBool, shown: &mut Vec<String>) -> Result<FitReport, Error> {
    let settings = Settings { coreset_sampling_ratio: Some(0.25), ..Settings::default() };
    let options = FitOptions::default().threads(2).progress(|progress| {
        // Here the callback would draw. It runs on the thread that called the fit, with or without threads of the model's own.
        shown.push(format!("{} {}/{}", progress.stage.name(), progress.done, progress.total));
        if button.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    // A photo that cannot be read would be in `rejected`, and the others would be used.
    Model::fit_with(&settings, (0..6).map(photo), options)
}

fn main() -> Result<(), Error> {
    let mut shown = Vec::new();
    let report = run(&AtomicBool::new(false), &mut shown)?;
    println!("{}: {} rows in the bank", shown.join(", "), report.model.bank().len());
    match run(&AtomicBool::new(true), &mut shown) {
        Err(Error::Cancelled { what }) => println!("the {what} was cancelled"),
        other => println!("expected to be cancelled, found {other:?}"),
    }
    Ok(())
}
