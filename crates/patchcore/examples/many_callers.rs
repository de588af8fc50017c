//! How many photos per second one model scores for 1, 2, 4 and 16 callers at once, in rayon's global pool and with threads of its
//! own: the table in the documentation of `Model`.
//!
//! `cargo run --release --no-default-features --features cpu,embed-efficientnet-lite0 --example many_callers`

use std::time::{Duration, Instant};

use patchcore::{Error, LoadOptions, Model, Photo, PixelBuffer, PixelFormat, Save, Settings};

const SIDE: usize = 256;
/// Photos of a fit.
const GOOD: usize = 40;
/// How long each cell of the table takes.
const CELL: Duration = Duration::from_secs(3);

fn photo(number: usize) -> Result<Photo, Error> {
    let pixel = |at: usize| (90 + (at % SIDE / 6 + number % 3) % 2 * 30 + (at * 31 + number * 7919) % 29) as u8;
    let data: Vec<u8> = (0..SIDE * SIDE * 3).map(|at| pixel(at / 3)).collect();
    let (side, stride) = (SIDE as u32, 3 * SIDE);
    Ok(Photo::from_buffer(&PixelBuffer { data: &data, width: side, height: side, stride, format: PixelFormat::Rgb8 })?)
}

/// Photos per second of so many callers together.
fn throughput(model: &Model, callers: usize) -> Result<f64, Error> {
    let started = Instant::now();
    let scored = std::thread::scope(|scope| {
        let call = |caller: usize| {
            scope.spawn(move || {
                let (photo, mut scored) = (photo(100 + caller)?, 0);
                while started.elapsed() < CELL {
                    std::hint::black_box(model.score(&photo)?);
                    scored += 1;
                }
                Ok::<usize, Error>(scored)
            })
        };
        let threads: Vec<_> = (0..callers).map(call).collect();
        let mut scored = 0;
        for thread in threads {
            scored += thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<usize, Error>(scored)
    })?;
    Ok(scored as f64 / started.elapsed().as_secs_f64())
}

fn main() -> Result<(), Error> {
    let fitted = Model::fit(&Settings::default(), (0..GOOD).map(photo))?;
    let bytes = fitted.to_bytes(Save::WithoutWeights)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{processors} threads, bank of {} rows", fitted.bank().len());
    println!("| callers | the global pool | 1 thread of the model's own |");
    println!("|---|---|---|");
    let own = Model::from_bytes(&bytes, &LoadOptions::default().threads(1))?;
    // Warm.
    let (first, first_own) = (throughput(&fitted, 1)?, throughput(&own, 1)?);
    println!("| 1 (photos per second) | {first:.1} | {first_own:.1} |");
    for callers in [1, 2, 4, 16] {
        let (shared, own) = (throughput(&fitted, callers)?, throughput(&own, callers)?);
        println!("| {callers} | {:.2} | {:.2} |", shared / first, own / first);
    }
    Ok(())
}
