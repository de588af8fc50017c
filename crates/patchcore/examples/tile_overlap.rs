//! How far tiled patch scores are from those of the whole photo, for each overlap: the table behind the default.
//!
//! `cargo run --release --example tile_overlap -- BACKBONE WEIGHTS TRAIN_FOLDER PHOTO` (WEIGHTS: `-` for embedded ones)

use std::path::Path;

use patchcore::{Limits, Model, Photo, Resize, Settings, Tiling, good_images};
use patchcore_core::{ImageInput, PatchCore};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, train, photo] = arguments.as_slice() else {
        return Err("usage: tile_overlap BACKBONE WEIGHTS TRAIN_FOLDER PHOTO".into());
    };
    let limits = Limits::default();
    let weights = (weights != "-").then(|| Path::new(weights).to_owned());
    let settings = Settings {
        backbone: backbone.clone(),
        weights,
        resize: Some(Resize::Keep),
        pad_to_stride: true,
        coreset_sampling_ratio: Some(0.05),
        ..Settings::default()
    };
    let files: Vec<_> = good_images(Path::new(train))?.into_iter().take(4).collect();
    let whole = Model::fit(&settings, &files)?;
    let input = whole.prepare(&Photo::open(Path::new(photo), &limits)?)?;
    let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
    let expected = whole.core().score(image)?;
    let good = whole.core().fitted_on().good_scores.median;
    println!(
        "{} x {} pixels, median good patch score {good:.3}, score {:.3}",
        image.width, image.height, expected.score
    );
    println!("| tile | overlap | largest difference of a patch score | mean | largest of the map | score |");
    println!("|---|---|---|---|---|---|");
    for (size, overlap) in [(512, 0), (512, 32), (512, 64), (512, 96), (512, 128), (512, 192), (512, 256), (640, 320)] {
        let config = whole.core().config().clone().into_config();
        let config = config.with_tiling(Tiling::Tiles { size, overlap }).check()?;
        let rows = whole.core().bank().rows().to_vec();
        let tiled = PatchCore::with_bank(config, &settings.load_weights()?, rows, whole.device())?;
        let found = tiled.score_within(image, None)?;
        let differences = || expected.patch_scores.iter().zip(&found.patch_scores).map(|(a, b)| (a - b).abs());
        let largest = differences().fold(0.0, f32::max);
        let mean = differences().sum::<f32>() / expected.patch_scores.len().max(1) as f32;
        let map = expected.map.scores.iter().zip(&found.map.scores).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("| {size} | {overlap} | {largest:.5} | {mean:.5} | {map:.5} | {:.4} |", found.score);
    }
    Ok(())
}
