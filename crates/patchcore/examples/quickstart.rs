//! The README's quickstart: fit on the photos of a folder, score one photo, save, load.
//!
//! `cargo run --release --example quickstart -- GOOD_FOLDER NEW_PHOTO`

use std::path::Path;

use patchcore::{Limits, Model, Photo, Settings, good_images};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(new)) = (arguments.next(), arguments.next()) else {
        return Err("usage: quickstart GOOD_FOLDER NEW_PHOTO".into());
    };
    let limits = Limits::default();
    let photos = good_images(Path::new(&folder))?;
    let photos = photos.iter().map(|path| Photo::open(path, &limits)).collect::<Result<Vec<_>, _>>()?;

    let model = Model::fit(&Settings::default(), photos)?;
    let score = model.score(&Photo::open(Path::new(&new), &limits)?)?;
    println!("score {:.3}, worst at {:?}, map up to {:.3}", score.score, score.worst_at, score.map.max());

    model.save("part.patchcore", true)?;
    let loaded = Model::load("part.patchcore", None, "flex")?;
    assert_eq!(loaded.score(&Photo::open(Path::new(&new), &limits)?)?, score);
    Ok(())
}
