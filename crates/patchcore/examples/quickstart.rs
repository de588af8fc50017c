//! The README's program, word for word but for the `pub`, by which a test runs it: fit, score one photo, save.
//!
//! `patchcore demo --photos-only -o .` puts the photos there; then `cargo run --release --example quickstart`.

use std::path::Path;

use patchcore::{Limits, Model, Photo, Save, Settings, good_images};

/// Fits, scores and saves in the present folder.
///
/// # Errors
/// No photos there.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::fit(&Settings::default(), good_images(Path::new("flange/train/good"))?)?;
    let photo = Photo::open(Path::new("flange/test/scratch/000.jpg"), &Limits::default())?;
    let score = model.score(&photo)?;
    println!("score {:.3}, worst at {:?}", score.score, score.worst_at);
    model.save("part.patchcore", Save::WithWeights)?;
    Ok(())
}
