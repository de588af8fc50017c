//! Thresholds and the audit through the public API: what is promised, what is refused, what is stored.

use std::ops::ControlFlow;
use std::path::PathBuf;

use patchcore::metrics::threshold::{CalibrationError, GoodScoreSource, ThresholdOrigin};
use patchcore::{
    AuditOptions, Bootstrap, CalibrateOptions, DataSet, Error, EvaluateOptions, FitOptions, Limits, Model, Photo,
    Progress, Save, Settings, Stage, Threshold, Thresholds, Verdict, path_of_text, path_text, store_thresholds,
};

use crate::part;

fn settings() -> Settings {
    Settings {
        resize: Some(patchcore::Resize::Keep),
        coreset_sampling_ratio: Some(0.2),
        mode: patchcore::Mode::Paper,
        num_neighbors: Some(3),
        ..Settings::default()
    }
}

/// Photos as files: `good` ones, with a defect where `defect` says so.
fn files(folder: &std::path::Path, seeds: std::ops::Range<u32>, defect: impl Fn(u32) -> bool) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    let file = |seed: u32| {
        let path = folder.join(format!("{seed:03}.png"));
        part::photo(seed, defect(seed)).to_rgb8().save(&path).unwrap();
        path
    };
    seeds.map(file).collect()
}

#[test]
fn held_out_photos_give_thresholds_that_are_stored_and_used() {
    let place = tempfile::tempdir().unwrap();
    let train = files(&place.path().join("train"), 0..6, |_| false);
    let held_out = files(&place.path().join("held_out"), 100..130, |_| false);
    let model = Model::fit(&settings(), &train).unwrap();
    assert_eq!(model.score(&part::photo(40, true)).unwrap().verdict, None);

    let report = model.calibrate(&held_out, CalibrateOptions::default()).unwrap();
    assert_eq!((report.scores.len(), report.source), (30, GoodScoreSource::HeldOut));
    let refused = report.thresholds(0.01, 0.95).unwrap_err();
    assert!(matches!(refused, Error::Calibration(CalibrationError::TooFewScores { needed: 299, .. })), "{refused}");
    assert_eq!(model.thresholds(), Thresholds::default());
    let thresholds = report.thresholds(0.1, 0.95).unwrap();
    let model = model.with_thresholds(thresholds).unwrap();
    let largest = |value: fn(&patchcore::GoodScore) -> f32| report.scores.iter().map(value).fold(f32::MIN, f32::max);
    assert_eq!(thresholds.image.unwrap().value, largest(|photo| photo.score));
    assert_eq!(thresholds.pixel.unwrap().value, largest(|photo| photo.map_max));
    assert_eq!(model.score(&part::photo(40, true)).unwrap().verdict, Some(Verdict::Anomalous));
    // The very photo that made the threshold is good: the verdict is strict.
    for seed in 100..130 {
        assert_eq!(model.score(&part::photo(seed, false)).unwrap().verdict, Some(Verdict::Good));
    }

    let path = place.path().join("m.patchcore");
    model.save(&path, Save::WithoutWeights).unwrap();
    assert_eq!(Model::load(&path).unwrap().thresholds(), thresholds);
    let before = std::fs::read(&path).unwrap();
    model.save(&path, Save::WithoutWeights).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before, "the same model gave other bytes");

    let manual = Thresholds { image: Some(Threshold::manual(0.25)), ..thresholds };
    store_thresholds(&path, manual).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!((loaded.thresholds(), loaded.core().bank()), (manual, model.core().bank()));
    let wrong = Thresholds { image: Some(Threshold::manual(f32::NAN)), ..Thresholds::default() };
    assert!(matches!(store_thresholds(&path, wrong), Err(Error::WrongThreshold { .. })));
    assert_eq!(Model::load(&path).unwrap().thresholds(), manual);
}

#[test]
fn training_photos_are_no_held_out_photos_but_can_be_cross_fitted() {
    let place = tempfile::tempdir().unwrap();
    let train = files(place.path(), 0..12, |_| false);
    let limits = Limits::default();
    let model = Model::fit(&settings(), &train).unwrap();
    let refused = model.calibrate(&train[3..5], CalibrateOptions::default()).unwrap_err();
    assert!(matches!(&refused, Error::TrainingPhoto { photo, .. } if photo.ends_with("003.png")), "{refused}");

    // In memory, without a file or a name, too.
    let refused = model.calibrate([part::photo(3, false)], CalibrateOptions::default()).unwrap_err();
    assert!(matches!(&refused, Error::TrainingPhoto { photo, count: 1, .. } if photo == "photo 0"), "{refused}");
    let mixed = [part::photo(3, false), part::photo(90, false)];
    let refused = model.calibrate(mixed, CalibrateOptions::default().cross_fit(2)).unwrap_err();
    assert!(matches!(&refused, Error::NotATrainingPhoto { photo, count: 1 } if photo == "photo 1"), "{refused}");

    for folds in [0, 1, 13] {
        let refused = model.calibrate(&train, CalibrateOptions::default().cross_fit(folds)).unwrap_err();
        assert!(matches!(refused, Error::WrongFolds { photos: 12, .. }), "{refused}");
    }
    let report = model.calibrate(&train, CalibrateOptions::default().cross_fit(4)).unwrap();
    let names: Vec<_> = report.scores.iter().map(|photo| PathBuf::from(&photo.image)).collect();
    assert_eq!(names, train, "each photo once, in order");
    // The first fold by hand: fitted on the other nine.
    let rest = Model::fit(&settings(), &train[3..]).unwrap();
    let photo = Photo::open(&train[1], &limits).unwrap();
    assert_eq!(report.scores[1].score, rest.score(&photo).unwrap().score);
    let image = report.thresholds(0.3, 0.9).unwrap().image.unwrap();
    let ThresholdOrigin::Calibrated(calibration) = image.origin else { panic!("{image:?}") };
    assert_eq!(calibration.source, GoodScoreSource::CrossFitted { folds: 4 });
    assert!(image.origin.to_string().starts_with("estimated"), "{}", image.origin);
}

#[test]
fn a_defective_photo_among_the_training_photos_ranks_first() {
    let place = tempfile::tempdir().unwrap();
    for planted in [0, 4, 8] {
        let folder = place.path().join(planted.to_string());
        let train = files(&folder, 0..9, |seed| seed == planted);
        let model = Model::fit(&settings(), &train).unwrap();
        let audit = model.audit(&train, AuditOptions::default()).unwrap();
        assert_eq!((audit.photos.len(), audit.rejected.len(), audit.unknown.len()), (9, 0, 0));
        let first = &audit.photos[0];
        assert_eq!(path_of_text(&first.name), train[planted as usize]);
        assert!(first.ratio > 1.3 && first.score > audit.photos[1].score, "{:?}", &audit.photos[..2]);
        let (x, y) = first.worst_at;
        assert!((x - 44.0).abs() < 14.0 && (y - 56.0).abs() < 14.0, "{x} {y}");
        assert_ne!(first.nearest_other.origin.unwrap().image, planted, "compared with itself");
        // Rows are counted, and the photo's own rows hide the defect when it is scored as it is.
        assert_eq!(audit.photos.iter().map(|photo| photo.bank_rows).sum::<usize>(), model.core().bank().len());
        assert!(model.score(&part::photo(planted, true)).unwrap().score < first.score);
    }
    let elsewhere = files(&place.path().join("elsewhere"), 70..71, |_| false);
    let train = files(&place.path().join("again"), 0..4, |_| false);
    let model = Model::fit(&settings(), &train).unwrap();
    let audit = model.audit(&elsewhere, AuditOptions::default()).unwrap();
    let elsewhere: Vec<String> = elsewhere.iter().map(|path| path_text(path)).collect();
    assert_eq!((audit.photos.len(), audit.unknown), (0, elsewhere));
}

#[test]
fn what_was_asked_for_is_what_was_cancelled() {
    let place = tempfile::tempdir().unwrap();
    let train = files(&place.path().join("train/good"), 0..4, |_| false);
    let held_out = files(&place.path().join("test/good"), 100..102, |_| false);
    files(&place.path().join("test/spot"), 200..202, |_| true);
    let data = DataSet::open(place.path()).unwrap();
    let model = Model::fit(&settings(), &train).unwrap();
    let stop_at = |stage: Stage| {
        move |progress: Progress| match progress.stage == stage {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    for stage in [Stage::Features, Stage::Coreset] {
        let options = FitOptions::default().progress(stop_at(stage));
        let fit = Model::fit_with(&settings(), &train, options).unwrap_err();
        assert_eq!(fit.to_string(), "the fit was cancelled");
    }
    for stage in [Stage::Scoring, Stage::Metrics] {
        let evaluation = model.evaluate(&data, EvaluateOptions::default().progress(stop_at(stage))).unwrap_err();
        assert!(matches!(evaluation, Error::Cancelled { what: "evaluation" }), "{evaluation}");
        assert_eq!(evaluation.to_string(), "the evaluation was cancelled");
    }
    let mut evaluation = model.evaluate(&data, EvaluateOptions::default()).unwrap();
    let bootstrap = Bootstrap::default();
    let cancelled = evaluation.add_intervals_with(&bootstrap, stop_at(Stage::Intervals)).unwrap_err();
    assert_eq!(cancelled.to_string(), "the evaluation was cancelled");
    assert!(evaluation.pixel_replicates.is_none());
    let mut heard = Vec::new();
    let hear = |progress: Progress| {
        heard.push(progress.done);
        assert_eq!((progress.stage, progress.total), (Stage::Intervals, 2 * bootstrap.resamples));
        ControlFlow::Continue(())
    };
    evaluation.add_intervals_with(&bootstrap, hear).unwrap();
    assert!(heard.is_sorted() && heard.last() == Some(&(2 * bootstrap.resamples)), "{heard:?}");
    let audit = model.audit(&train, AuditOptions::default().progress(stop_at(Stage::Scoring))).unwrap_err();
    assert_eq!(audit.to_string(), "the audit was cancelled");
    let options = || CalibrateOptions::default().progress(stop_at(Stage::Scoring));
    assert_eq!(model.calibrate(&held_out, options()).unwrap_err().to_string(), "the calibration was cancelled");
    // A cross-fit makes whole fits on its way: what the caller knows of is the calibration.
    for stage in [Stage::Features, Stage::Coreset, Stage::Scoring] {
        let options = CalibrateOptions::default().cross_fit(2).progress(stop_at(stage));
        let calibration = model.calibrate(&train, options).unwrap_err();
        assert_eq!(calibration.to_string(), "the calibration was cancelled", "{stage:?}");
    }
}
