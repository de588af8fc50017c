//! An application outside the workspace: what somebody writes who depends on `patchcore` alone. It fits on a folder of good
//! photos, scores, evaluates, saves and loads, and prints the bits of every number, so that two builds can be compared.
//!
//! `foreign FOLDER DEVICE`: a folder in MVTec layout, and the device that computes.

use std::path::Path;

use patchcore::{Limits, LoadOptions, Model, MvtecCategory, Photo, Settings, good_images, list_devices};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(device)) = (arguments.next(), arguments.next()) else {
        return Err("usage: foreign FOLDER DEVICE".into());
    };
    let (folder, limits) = (Path::new(&folder), Limits::default());
    for device in list_devices() {
        eprintln!("{}: {:?}", device.name, device.state);
    }
    let settings = Settings { device: device.clone(), coreset_sampling_ratio: 0.2, ..Settings::default() };
    let good = good_images(folder)?;
    let photos = good.iter().map(|path| Photo::open(path, &limits)).collect::<Result<Vec<_>, _>>()?;
    let model = Model::fit(&settings, photos)?;
    println!("bank {:?}", bits(model.bank().rows().iter().copied()));

    let saved = std::env::temp_dir().join(format!("foreign-{}.patchcore", std::process::id()));
    model.save(&saved, true)?;
    let loaded = Model::load_with(&saved, &LoadOptions { device, ..LoadOptions::default() });
    std::fs::remove_file(&saved)?;
    let loaded = loaded?;

    let category = MvtecCategory::open(folder)?;
    for image in &category.test {
        let photo = Photo::open(&image.path, &limits)?;
        let (score, again) = (model.score(&photo)?, loaded.score(&photo)?);
        assert_eq!(score, again, "a saved model scores as it did");
        println!("{} {:08x} {:?}", image.path.display(), score.score.to_bits(), bits(score.map.scores.iter().copied()));
    }
    let evaluation = loaded.evaluate(&category, &limits, &mut |_| std::ops::ControlFlow::Continue(()))?;
    println!("{:?}", evaluation.overall);
    Ok(())
}

/// Number of values and one number of all their bits (FNV-1a).
fn bits(values: impl ExactSizeIterator<Item = f32>) -> (usize, u64) {
    let count = values.len();
    let hash = values.fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3)
    });
    (count, hash)
}
