//! Scoring end to end: a decoded photograph's pixels in, image score and map out; milliseconds per photograph.

use std::hint::black_box;
use std::time::Instant;

use patchcore::{Mode, Model, Photo};
use patchcore_core::ImageInput;

use crate::prepare::decoded;
use crate::protocol::{Measure, timed};
use crate::work::Work;

/// A model of 100 photographs and ten others to score.
///
/// # Errors
/// Inputs that are not there.
pub fn set_up(mode: Mode, work: &Work) -> anyhow::Result<Measure> {
    let (model, photos) = load(mode, work)?;
    Ok(Box::new(move || {
        let milliseconds = timed(|| {
            for photo in &photos {
                black_box(model.score(photo)?);
            }
            Ok(())
        })?;
        Ok(milliseconds / photos.len() as f64)
    }))
}

/// The same, with the stages' own times on standard error: where the time goes.
///
/// # Errors
/// Inputs that are not there.
pub fn set_up_stages(mode: Mode, work: &Work) -> anyhow::Result<Measure> {
    let (model, photos) = load(mode, work)?;
    Ok(Box::new(move || {
        let mut totals = [0.0f64; 3];
        for photo in &photos {
            let mut started = Instant::now();
            let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed().as_secs_f64() * 1e3;
            let input = model.prepare(photo)?;
            let resize = lap();
            let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
            black_box(model.core().extractor().embed_to_host(image)?);
            let features = lap();
            black_box(model.score_input(&input)?);
            // Scoring extracts again: the difference is search and map.
            let rest = lap() - features;
            for (total, time) in totals.iter_mut().zip([resize, features, rest]) {
                *total += time / photos.len() as f64;
            }
        }
        let [resize, features, rest] = totals;
        eprintln!("resize {resize:.2} ms, features {features:.2} ms, search and map {rest:.2} ms");
        Ok(totals.iter().sum())
    }))
}

fn load(mode: Mode, work: &Work) -> anyhow::Result<(Model, Vec<Photo>)> {
    Ok((Model::load(work.model(mode.name()))?, decoded(&work.score_photos())?))
}
