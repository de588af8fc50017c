//! A service on tokio: photos are scored on its threads for blocking work, with a deadline, and a fit can be cancelled.
//!
//! `cargo run --release --example async_service`

#![allow(clippy::missing_errors_doc, reason = "an example: whatever the library says")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use patchcore::{Error, FitOptions, FitReport, Model, Photo, PixelBuffer, PixelFormat, Score, Settings};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A drawn photo; the service would have it from a request.
pub fn photo(number: usize) -> Result<Photo, Error> {
    let data: Vec<u8> = (0..64 * 64).map(|at| (at * 37 % (61 + number)) as u8 + 90).collect();
    let buffer = PixelBuffer { data: &data, width: 64, height: 64, stride: 64, format: PixelFormat::Gray8 };
    Ok(Photo::from_buffer(&buffer)?)
}

/// Sets its flag when it is dropped: a future that is dropped half way cancels its work.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A fit that ends soon after its future is dropped, be it by a deadline, a `select!` or a client that has gone.
pub async fn fit(photos: Vec<Photo>) -> Result<FitReport, Failure> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let guard = CancelOnDrop(Arc::clone(&cancelled));
    let work = move || {
        let settings = Settings { coreset_sampling_ratio: Some(0.25), ..Settings::default() };
        let options = FitOptions::default().progress(|_| match cancelled.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        Model::fit_with(&settings, photos, options)
    };
    let report = spawn_blocking(work).await??;
    drop(guard);
    Ok(report)
}

/// One photo's score, or an error at the deadline. A score that has begun ends by itself, and nobody waits for it: it takes
/// milliseconds.
pub async fn score(model: &Model, photo: Photo, deadline: Duration) -> Result<Score, Failure> {
    // A clone is a few counters.
    let model = model.clone();
    Ok(timeout(deadline, spawn_blocking(move || model.score(&photo))).await???)
}

/// Fits, scores within a deadline, and drops a fit half way.
pub async fn run() -> Result<Score, Failure> {
    let photos = (0..6).map(photo).collect::<Result<Vec<_>, _>>()?;
    let model = fit(photos.clone()).await?.model;
    let scored = score(&model, photo(9)?, Duration::from_secs(60)).await?;
    println!("score {:.3}", scored.score);

    let too_soon = timeout(Duration::ZERO, fit(photos)).await;
    println!("a fit with no time at all: {:?}", too_soon.map(|_| ()).map_err(|late| late.to_string()));
    Ok(scored)
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    runtime.block_on(run()).map(|_| ())
}
