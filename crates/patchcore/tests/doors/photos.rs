//! A photo is the same photo in whatever form it comes, and what fails is named in its place.

use std::ops::ControlFlow;
use std::path::PathBuf;

use patchcore::{
    AuditOptions, CalibrateOptions, Error, FitOptions, IntoPhoto, Limits, Model, NetworkInput, Photo, PixelBuffer,
    PixelFormat, Progress, Settings, Stage,
};

use crate::part;

pub fn settings() -> Settings {
    Settings {
        resize: Some(patchcore::Resize::Keep),
        coreset_sampling_ratio: Some(0.2),
        mode: patchcore::Mode::Paper,
        num_neighbors: Some(3),
        ..Settings::default()
    }
}

fn files(folder: &std::path::Path, count: u32) -> Vec<PathBuf> {
    let file = |seed: u32| {
        let path = folder.join(format!("{seed:03}.png"));
        part::photo(seed, false).to_rgb8().save(&path).unwrap();
        path
    };
    (0..count).map(file).collect()
}

/// Bits of every row of the bank.
fn bank(model: &Model) -> Vec<u32> {
    model.bank().rows().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_photo_is_the_same_in_every_form() {
    let place = tempfile::tempdir().unwrap();
    let files = files(place.path(), 3);
    let photos: Vec<Photo> = files.iter().map(|path| Photo::open(path, &Limits::default()).unwrap()).collect();
    let expected = Model::fit(&settings(), &files).unwrap();
    let names =
        |model: &Model| -> Vec<String> { model.training_photos().iter().map(|photo| photo.name.clone()).collect() };
    assert_eq!(names(&expected), files.iter().map(|path| patchcore::path_text(path)).collect::<Vec<_>>());
    let inputs: Vec<NetworkInput> = photos.iter().map(|photo| expected.prepare(photo).unwrap()).collect();
    let pixels: Vec<Vec<u8>> = photos.iter().map(|photo| photo.to_rgb8().into_raw()).collect();
    let buffer = |data| {
        let stride = 3 * part::SIDE as usize;
        PixelBuffer { data, width: part::SIDE, height: part::SIDE, stride, format: PixelFormat::Rgb8 }
    };
    let models = [
        Model::fit(&settings(), files.iter().map(PathBuf::as_path)),
        Model::fit(&settings(), files.clone()),
        Model::fit(&settings(), &photos),
        Model::fit(&settings(), photos.clone()),
        Model::fit(&settings(), &inputs),
        Model::fit(&settings(), inputs.clone()),
        Model::fit(&settings(), pixels.iter().map(|data| buffer(data))),
        Model::fit(&settings(), photos.iter().map(|photo| image::DynamicImage::from(photo.to_rgb8()))),
        Model::fit(&settings(), files.iter().map(|path| Photo::open(path, &Limits::default()))),
        Model::fit(&settings(), files.iter().map(|path| ("a name", path))),
        Model::fit(&settings(), photos.iter().map(IntoPhoto::into_photo)),
    ];
    for (form, model) in models.into_iter().enumerate() {
        let model = model.unwrap();
        assert_eq!(bank(&model), bank(&expected), "{form}");
        let name = match form {
            0 | 1 => patchcore::path_text(&files[2]),
            9 => "a name".to_owned(),
            _ => "photo 2".to_owned(),
        };
        assert_eq!(names(&model)[2], name, "{form}");
    }
}

#[test]
fn a_fit_ends_at_the_first_photo_that_cannot_be_used_or_reports_them() {
    let place = tempfile::tempdir().unwrap();
    let mut files = files(place.path(), 4);
    let (damaged, missing) = (place.path().join("damaged.png"), place.path().join("missing.png"));
    std::fs::write(&damaged, b"no photo").unwrap();
    files.insert(1, damaged.clone());
    files.insert(3, missing.clone());

    let error = Model::fit(&settings(), &files).unwrap_err().to_string();
    assert!(error.contains("damaged.png") && error.contains("not an image"), "{error}");
    let mut told = Vec::new();
    let options = FitOptions::default().progress(|progress: Progress| {
        told.push((progress.stage, progress.done, progress.total));
        ControlFlow::Continue(())
    });
    let report = Model::fit_with(&settings(), &files, options).unwrap();
    let rejected: Vec<&str> = report.rejected.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(rejected, [patchcore::path_text(&damaged), patchcore::path_text(&missing)]);
    assert_eq!(report.model.fitted_on().images, 4);
    let features: Vec<_> = told.into_iter().filter(|(stage, ..)| *stage == Stage::Features).collect();
    assert_eq!(features, (1..=6).map(|done| (Stage::Features, done, 6)).collect::<Vec<_>>());

    let none = Model::fit_with(&settings(), [&damaged, &missing], FitOptions::default()).unwrap_err();
    assert!(matches!(&none, Error::NoUsablePhoto { count: 2, name, .. } if name.ends_with("damaged.png")), "{none}");
    let limits = Limits { max_width: 10, ..Limits::default() };
    let small = Model::fit_with(&settings(), &files, FitOptions::default().limits(limits)).unwrap_err();
    assert!(matches!(small, Error::NoUsablePhoto { count: 6, .. }), "{small}");
}

/// An iterator that is not `Send` is no obstacle: it is pulled here.
#[test]
fn a_stream_keeps_its_order_names_what_failed_and_can_be_left() {
    let model = Model::fit(&settings(), part::good(3)).unwrap();
    let here = std::rc::Rc::new(std::thread::current().id());
    let photo = |seed: u32| {
        assert_eq!(std::thread::current().id(), *here);
        match seed % 5 {
            3 => Err(Error::WrongThreshold { value: seed as f32 }),
            _ => Ok(part::photo(seed, seed % 2 == 1)),
        }
    };
    let scored: Vec<_> = model.scores((0..20).map(photo)).collect();
    for (seed, scored) in scored.iter().enumerate() {
        assert_eq!(scored.name, format!("photo {seed}"));
        match &scored.result {
            Ok(score) => assert_eq!(*score, model.score(&photo(seed as u32).unwrap()).unwrap()),
            Err(error) => assert_eq!(error.to_string(), format!("the threshold {seed} is not a finite number")),
        }
    }
    assert_eq!(scored.iter().filter(|scored| scored.result.is_err()).count(), 4);

    // Of a source without an end a few are taken.
    let mut endless = model.scores((0u32..).map(|seed| part::photo(seed % 7, false)));
    assert!(endless.by_ref().take(3).all(|scored| scored.result.is_ok()));
    drop(endless);
}

#[test]
fn training_photos_in_memory_are_audited_by_their_names() {
    let photos: Vec<(String, Photo)> =
        (0..5).map(|seed| (format!("part {seed}"), part::photo(seed, seed == 2))).collect();
    let model = Model::fit(&settings(), photos.clone()).unwrap();
    let stranger = ("part 17".to_owned(), part::photo(17, false));
    let audit = model.audit(photos.into_iter().chain([stranger]), AuditOptions::default()).unwrap();
    assert_eq!((audit.photos.len(), audit.rejected.len(), audit.unknown), (5, 0, vec!["part 17".to_owned()]));
    assert_eq!((audit.photos[0].name.as_str(), audit.photos[0].index), ("part 2", 2));
}

#[test]
fn photos_in_memory_calibrate_and_a_cross_fit_takes_them_more_than_once() {
    let model = Model::fit(&settings(), part::good(3)).unwrap();
    let held_out: Vec<Photo> = (100..110).map(|seed| part::photo(seed, false)).collect();
    let report = model.calibrate(&held_out, CalibrateOptions::default()).unwrap();
    let expected: Vec<f32> = held_out.iter().map(|photo| model.score(photo).unwrap().score).collect();
    assert_eq!(report.scores.iter().map(|photo| photo.score).collect::<Vec<f32>>(), expected);
    let thresholds = report.thresholds(0.3, 0.9).unwrap();
    let model = model.with_thresholds(thresholds).unwrap();
    assert!(model.score(&part::photo(40, true)).unwrap().verdict.is_some());

    let failed = [Err(Error::WrongThreshold { value: f32::NAN })];
    let some_fail = part::good(6).into_iter().map(Ok).chain(failed);
    let fitted = Model::fit(&settings(), part::good(6)).unwrap();
    let report = fitted.calibrate(some_fail, CalibrateOptions::default().cross_fit(3)).unwrap();
    assert_eq!((report.scores.len(), report.rejected.len()), (6, 1));
    assert_eq!((report.scores[5].image.as_str(), report.rejected[0].0.as_str()), ("photo 5", "photo 6"));
}
