//! An application outside the workspace: what somebody writes who depends on `patchcore` alone. It fits on good photos, scores,
//! evaluates, saves and loads, and prints the bits of every number, so that two builds can be compared.
//!
//! `foreign DEVICE`: with pixels that are computed here, which takes no photo format. `foreign DEVICE FOLDER`, with the feature
//! `files`: with the photos of a folder in MVTec layout.

use patchcore::metrics::{LabelledMap, image_metrics, pixel_metrics};
use patchcore::{IntoPhoto, LoadOptions, Model, Photo, PixelBuffer, PixelFormat, Save, Score, Settings, list_devices};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let Some(device) = arguments.next() else {
        return Err("usage: foreign DEVICE [FOLDER]".into());
    };
    for device in list_devices() {
        eprintln!("{}: {:?}", device.name, device.state);
    }
    match arguments.next() {
        None => with_pixels(&device),
        Some(folder) => with_files(&device, std::path::Path::new(&folder)),
    }
}

const SIDE: u32 = 96;

/// A part with fine stripes; a defective one has a bright square in its upper left quarter.
fn drawn(index: u32, is_defective: bool) -> Result<Photo, Failure> {
    let pixel = |x: u32, y: u32| {
        let grain = (x * 7 + y * 13 + index * 5) % 23;
        let defect = is_defective && (20..32).contains(&x) && (16..28).contains(&y);
        (60 + (x / 4 % 2) * 40 + grain + if defect { 100 } else { 0 }) as u8
    };
    let data: Vec<u8> = (0..SIDE * SIDE).map(|at| pixel(at % SIDE, at / SIDE)).collect();
    let buffer =
        PixelBuffer { data: &data, width: SIDE, height: SIDE, stride: SIDE as usize, format: PixelFormat::Gray8 };
    Ok(Photo::from_buffer(&buffer)?)
}

fn with_pixels(device: &str) -> Result<(), Failure> {
    let good = (0..4).map(|index| drawn(index, false)).collect::<Result<Vec<_>, _>>()?;
    let (model, loaded) = fitted(device, good)?;
    let labels: Vec<bool> = (0..6).map(|index| index % 2 == 1).collect();
    let mut scores: Vec<Score> = Vec::new();
    for (index, is_defective) in labels.iter().enumerate() {
        scores.push(scored(&model, &loaded, &format!("drawn {index}"), &drawn(10 + index as u32, *is_defective)?)?);
    }
    let of_images: Vec<f32> = scores.iter().map(|score| score.score).collect();
    println!("{:?}", image_metrics(&of_images, &labels)?);
    let mask_of = |score: &Score| -> Vec<bool> {
        let (width, height) = (score.map.width, score.map.height);
        (0..width * height).map(|at| at % width < width / 2 && at / width < height / 2).collect()
    };
    let masks: Vec<Vec<bool>> = scores.iter().map(mask_of).collect();
    let rows = scores.iter().zip(&masks).zip(&labels);
    let maps: Vec<LabelledMap<'_>> = rows
        .map(|((score, mask), is_defective)| LabelledMap {
            width: score.map.width,
            height: score.map.height,
            scores: &score.map.scores,
            mask: is_defective.then_some(mask.as_slice()),
            inside: None,
        })
        .collect();
    println!("{:?}", pixel_metrics(&maps)?);
    Ok(())
}

#[cfg(not(feature = "files"))]
fn with_files(_: &str, folder: &std::path::Path) -> Result<(), Failure> {
    // A photo of a format that is left out is named, not passed over.
    let photos = patchcore::good_images(folder)?;
    let refused = photos.first().map(|photo| Photo::open(photo, &patchcore::Limits::default()));
    match refused {
        Some(Err(error)) => Err(error.to_string().into()),
        other => Err(format!("expected a refusal of {}, found {other:?}", folder.display()).into()),
    }
}

#[cfg(feature = "files")]
fn with_files(device: &str, folder: &std::path::Path) -> Result<(), Failure> {
    use patchcore::{DataSet, EvaluateOptions, Limits, good_images};

    let (limits, good) = (Limits::default(), good_images(folder)?);
    let (model, loaded) = fitted(device, good)?;
    let data = DataSet::open(folder)?;
    for image in &data.test {
        scored(&model, &loaded, &image.relative, &Photo::open(&image.path, &limits)?)?;
    }
    let evaluation = loaded.evaluate(&data, EvaluateOptions::default())?;
    println!("{:?}", evaluation.overall);
    Ok(())
}

/// A model, and the same saved and loaded.
fn fitted(device: &str, good: Vec<impl IntoPhoto>) -> Result<(Model, Model), Failure> {
    let settings = Settings { device: device.to_owned(), coreset_sampling_ratio: Some(0.2), ..Settings::default() };
    let model = Model::fit(&settings, good)?;
    println!("bank {:?}", bits(model.bank().rows().iter().copied()));
    let saved = std::env::temp_dir().join(format!("foreign-{}.patchcore", std::process::id()));
    model.save(&saved, Save::WithWeights)?;
    let options = LoadOptions::default().device(device);
    let loaded = Model::load_with(&saved, &options);
    assert_eq!(Model::from_bytes(&std::fs::read(&saved)?, &options)?.bank(), model.bank(), "a file is its bytes");
    std::fs::remove_file(&saved)?;
    Ok((model, loaded?))
}

fn scored(model: &Model, loaded: &Model, name: &str, photo: &Photo) -> Result<Score, Failure> {
    let (score, again) = (model.score(photo)?, loaded.score(photo)?);
    assert_eq!(score, again, "a saved model scores as it did");
    println!("{name} {:08x} {:?}", score.score.to_bits(), bits(score.map.scores.iter().copied()));
    Ok(score)
}

/// Number of values and one number of all their bits (FNV-1a).
fn bits(values: impl ExactSizeIterator<Item = f32>) -> (usize, u64) {
    let count = values.len();
    let hash = values.fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3)
    });
    (count, hash)
}
