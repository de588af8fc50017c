//! The README's quickstart: fit on the photos of a folder, score one photo, save, load.
//!
//! `cargo run --release --example quickstart -- GOOD_FOLDER NEW_PHOTO`

use std::path::Path;

use patchcore::{Limits, Model, Photo, Save, Settings, good_images};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(new)) = (arguments.next(), arguments.next()) else {
        return Err("usage: quickstart GOOD_FOLDER NEW_PHOTO".into());
    };
    let model = Model::fit(&Settings::default(), good_images(Path::new(&folder))?)?;
    let new = Photo::open(Path::new(&new), &Limits::default())?;
    let score = model.score(&new)?;
    println!("score {:.3}, worst at {:?}, map up to {:.3}", score.score, score.worst_at, score.map.max());

    model.save("part.patchcore", Save::WithWeights)?;
    let loaded = Model::load("part.patchcore")?;
    assert_eq!(loaded.score(&new)?, score);
    Ok(())
}
