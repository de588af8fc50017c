//! Fits on a folder of good photos with a network of one's own, saves, loads again, and scores a photo.
//!
//! `cargo run --release -- flange/train/good flange/test/scratch/000.jpg part.patchcore`

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use own_backbone::OwnBackbone;
use patchcore::{FitOptions, Limits, LoadOptions, Model, Photo, Save, Settings, good_images};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [good, photo, file] = paths.as_slice() else {
        return Err("expected a folder of good photos, a photo to score, and a name for the model".into());
    };
    let network = Arc::new(OwnBackbone::new());

    let settings = Settings { backbone: OwnBackbone::NAME.to_owned(), ..Settings::default() };
    let fitted = Model::fit_with(&settings, good_images(good)?, FitOptions::default().network(network.clone()))?;
    fitted.model.save(file, Save::WithoutWeights)?;

    // The file knows the network by its name and digest: whoever loads it brings the network.
    let model = Model::load_with(file, &LoadOptions::default().network(network))?;
    let score = model.score(&Photo::open(photo, &Limits::default())?)?;
    println!("score {:.3}, worst at {:?}", score.score, score.worst_at);
    Ok(())
}
