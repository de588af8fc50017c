//! A model of int8 over the whole way: two passes over the photos, in whatever form they come, and the same bits in every set of
//! instructions, with any number of threads.

use std::ops::ControlFlow;
use std::path::PathBuf;

use patchcore::error::{BackboneError, FitError, ModelFileError};
use patchcore::{
    Error, FitOptions, Instructions, IntoPhoto, LoadOptions, Mode, Model, NetworkPrecision, Photo, PixelBuffer,
    PixelFormat, Precision, Progress, Remark, Save, Score, Settings, Stage,
};

use crate::part;
use crate::photos::settings as of_f32;

fn settings() -> Settings {
    Settings { network_precision: NetworkPrecision::Int8, ..of_f32() }
}

/// Two members that share the network.
fn line() -> Settings {
    Settings { mode: Mode::Line, num_neighbors: None, ..settings() }
}

/// A photo of one value, of 8 or 16 bits.
fn constant(value: u8, format: PixelFormat) -> Photo {
    let (bytes, channels) = if format == PixelFormat::Gray8 { (1, 1) } else { (2, 1) };
    let stride = part::SIDE as usize * bytes * channels;
    let data = vec![value; stride * part::SIDE as usize];
    Photo::from_buffer(&PixelBuffer { data: &data, width: part::SIDE, height: part::SIDE, stride, format }).unwrap()
}

/// What a fit has not seen: another part, a defect brighter than anything, black, white, and white in 16 bits.
fn unseen() -> Vec<Photo> {
    let grey16 = PixelFormat::Gray16;
    vec![
        part::photo(300, false),
        part::photo(301, true),
        constant(0, PixelFormat::Gray8),
        constant(255, PixelFormat::Gray8),
        constant(255, grey16),
    ]
}

fn scores(model: &Model) -> Vec<Score> {
    unseen().iter().map(|photo| model.score(photo).unwrap()).collect()
}

#[test]
fn every_set_of_instructions_and_number_of_threads_gives_the_same_bank_scores_and_maps() {
    let mut expected = None;
    for instructions in Instructions::available() {
        for threads in [1, 2] {
            let settings = Settings { instructions: Some(instructions), ..line() };
            let fitted =
                Model::fit_with(&settings, part::good(4), FitOptions::default().threads(threads)).unwrap().model;
            let found = (fitted.banks().iter().map(|bank| bank.rows().to_vec()).collect::<Vec<_>>(), scores(&fitted));
            let (bytes, expected) =
                expected.get_or_insert_with(|| (fitted.to_bytes(Save::WithoutWeights).unwrap(), found.clone()));
            assert!(*expected == found, "fitted with {instructions:?} on {threads} threads");
            // A model of another set.
            let options = LoadOptions::default().instructions(instructions).threads(threads);
            let loaded = Model::from_bytes(bytes.as_slice(), &options).unwrap();
            assert!(expected.1 == scores(&loaded), "scored with {instructions:?} on {threads} threads");
        }
    }
    let (_, (_, scores)) = expected.unwrap();
    assert!(scores.iter().all(|score| score.score.is_finite()));
    assert!(scores[1].score > scores[0].score, "{} {}", scores[1].score, scores[0].score);
    // A photo of 16 bits is the photo of 8 bits that it is rounded to.
    assert_eq!(scores[3].map, scores[4].map);
}

#[test]
fn photos_are_looked_at_twice_in_whatever_form_they_come() {
    let place = tempfile::tempdir().unwrap();
    let file = |seed: u32| {
        let path = place.path().join(format!("{seed:03}.png"));
        part::photo(seed, false).to_rgb8().save(&path).unwrap();
        path
    };
    let files: Vec<PathBuf> = (0..70).map(file).collect();
    let mut told = Vec::new();
    let options = FitOptions::default().progress(|Progress { stage, done, total, .. }| {
        if told.last() != Some(&(stage, total)) || done == total {
            told.push((stage, total));
        }
        ControlFlow::Continue(())
    });
    let of_files = Model::fit_with(&settings(), &files, options).unwrap().model;
    told.dedup();
    assert_eq!(told[..2], [(Stage::Ranges, 64), (Stage::Features, 70)]);
    assert_eq!(of_files.fitted_on().images, 70);
    // In memory the same ones are looked at, where it is known how many there are.
    let photos: Vec<Photo> = (0..70).map(|seed| part::photo(seed, false)).collect();
    let of_photos = Model::fit_with(&settings(), &photos, FitOptions::default()).unwrap();
    assert_eq!(of_photos.model.bank().rows(), of_files.bank().rows());
    assert!(of_photos.remarks.iter().all(|(remark, ..)| remark != Remark::NotInRanges));
    // Else the first 64, and the report says so.
    let unknown = photos.iter().filter(|_| true);
    let of_first = Model::fit_with(&settings(), unknown, FitOptions::default()).unwrap();
    let late: Vec<_> = of_first.remarks.iter().filter(|(remark, ..)| *remark == Remark::NotInRanges).collect();
    assert_eq!(late, [(Remark::NotInRanges, 6, "photo 64")]);
    assert_ne!(of_first.model.bank().rows(), of_files.bank().rows());
    let few = |photos: &[Photo]| Model::fit(&settings(), photos).unwrap().bank().rows().to_vec();
    assert_eq!(Model::fit(&settings(), &files[..5]).unwrap().bank().rows(), few(&photos[..5]));
    // The source may be one that comes once.
    let stream = (0..5).map(|seed| (format!("frame {seed}"), part::photo(seed, false)));
    assert_eq!(Model::fit(&settings(), stream).unwrap().bank().rows(), few(&photos[..5]));
}

#[test]
fn photos_that_cannot_be_used_are_passed_over_and_named_once() {
    let photos = || {
        (0..6).map(|at| match at {
            0 | 3 => (format!("bad {at}"), Err(Error::Fit(FitError::NoImages))),
            _ => (format!("good {at}"), Ok(part::photo(at, false))),
        })
    };
    let named = photos().map(|(name, photo): (String, Result<Photo, Error>)| (name, photo).into_photo());
    let report = Model::fit_with(&settings(), named, FitOptions::default()).unwrap();
    let rejected: Vec<&str> = report.rejected.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(rejected, ["bad 0", "bad 3"]);
    let good: Vec<Photo> = [1, 2, 4, 5].map(|at| part::photo(at, false)).into();
    assert_eq!(report.model.bank().rows(), Model::fit(&settings(), good).unwrap().bank().rows());
    // None at all, none that can be used, and a fit that was called off.
    let none = Model::fit(&settings(), Vec::<Photo>::new()).unwrap_err();
    assert!(matches!(none, Error::Fit(FitError::NoImages)), "{none}");
    let missing: Vec<PathBuf> = vec!["nowhere/a.png".into(), "nowhere/b.png".into()];
    let none = Model::fit_with(&settings(), &missing, FitOptions::default()).unwrap_err();
    assert!(matches!(&none, Error::NoUsablePhoto { count: 2, name, .. } if name.ends_with("a.png")), "{none}");
    let first = Model::fit(&settings(), &missing).unwrap_err();
    assert!(matches!(first, Error::Image(_)), "{first}");
}

#[test]
fn the_first_pass_tells_of_each_photo_and_can_be_called_off_at_each() {
    let mut told = Vec::new();
    let options = FitOptions::default().progress(|Progress { stage, done, total, .. }| {
        if stage == Stage::Ranges {
            told.push((done, total));
        }
        ControlFlow::Continue(())
    });
    Model::fit_with(&settings(), part::good(3), options).unwrap();
    assert_eq!(told, [(1, 3), (2, 3), (3, 3)]);
    for last in 1..=3 {
        let mut seen = Vec::new();
        let stop = FitOptions::default().progress(|Progress { stage, done, .. }| {
            seen.push((stage, done));
            if (stage, done) == (Stage::Ranges, last) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(Model::fit_with(&settings(), part::good(3), stop), Err(Error::Cancelled { what: "fit" })));
        assert_eq!(seen.last(), Some(&(Stage::Ranges, last)));
    }
}

#[test]
fn others_take_the_places_of_photos_that_cannot_be_used() {
    let place = tempfile::tempdir().unwrap();
    // 70 photos, of which 64 are looked at: all that can be used, since ten cannot.
    let file = |seed: u32| {
        let path = place.path().join(format!("{seed:03}.png"));
        match seed % 7 {
            0 => std::fs::write(&path, b"no photo").unwrap(),
            _ => part::photo(seed, false).to_rgb8().save(&path).unwrap(),
        }
        path
    };
    let files: Vec<PathBuf> = (0..70).map(file).collect();
    let good: Vec<PathBuf> =
        files.iter().enumerate().filter(|(at, _)| at % 7 != 0).map(|(_, file)| file.clone()).collect();
    let report = Model::fit_with(&settings(), &files, FitOptions::default()).unwrap();
    assert_eq!((report.rejected.len(), good.len()), (10, 60));
    assert_eq!(report.model.bank().rows(), Model::fit(&settings(), &good).unwrap().bank().rows());
}

#[test]
fn a_fit_in_int8_is_another_than_in_f32_and_its_calibration_keeps_to_it() {
    let (int8, f32) = (Model::fit(&settings(), part::good(4)).unwrap(), Model::fit(&of_f32(), part::good(4)).unwrap());
    assert_eq!(int8.config().rules_name(), "paper with network_precision int8");
    assert_ne!(int8.bank().rows(), f32.bank().rows());
    let (bad, good) = (part::photo(301, true), part::photo(300, false));
    let ratio = |model: &Model| model.score(&bad).unwrap().score / model.score(&good).unwrap().score;
    assert!(ratio(&int8) > 0.5 * ratio(&f32), "{} {}", ratio(&int8), ratio(&f32));
    // A device that is the CPU has no other number format at all.
    let bytes = int8.to_bytes(Save::WithWeights).unwrap();
    let refused = Model::from_bytes(&bytes, &LoadOptions::default().precision(Precision::Bf16)).unwrap_err();
    let two = |error: &ModelFileError| matches!(error, ModelFileError::Backbone(BackboneError::TwoPrecisions { .. }));
    assert!(matches!(&refused, Error::ModelFile { source, .. } if two(source)), "{refused}");
    // A fold of the cross-fit is a fit in int8 of the other photos, with ranges of its own.
    let cross_fitted = |model: &Model| {
        let options = patchcore::CalibrateOptions::default().cross_fit(4);
        let report = model.calibrate(part::good(4), options).unwrap();
        report.scores.iter().map(|score| score.score).collect::<Vec<_>>()
    };
    let by_hand = |settings: &Settings| {
        let without = |out: usize| (0..4).zip(part::good(4)).filter(move |(at, _)| *at != out).map(|(_, photo)| photo);
        let good = part::good(4).into_iter().enumerate();
        good.map(|(at, photo)| Model::fit(settings, without(at)).unwrap().score(&photo).unwrap().score)
            .collect::<Vec<_>>()
    };
    assert_eq!(cross_fitted(&int8), by_hand(&settings()));
    assert_ne!(cross_fitted(&int8), cross_fitted(&f32));
    // It comes back under the tolerance of its passport.
    let loaded = Model::from_bytes(&bytes, &LoadOptions::default()).unwrap();
    let (drift, passport) = (loaded.drift().unwrap(), loaded.passport().unwrap());
    assert_eq!(passport.tolerance(loaded.config(), loaded.device().precision()), 1e-4);
    assert!(drift.worst() <= 1e-4, "{}", drift.worst());
}
