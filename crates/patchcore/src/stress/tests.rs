//! Stress tests of a small model, against scores of photos that are changed one by one.

use std::sync::OnceLock;

use patchcore_io::{PixelBuffer, PixelFormat};
use patchcore_metrics::threshold::ThresholdOrigin;

use super::*;
use crate::{FitOptions, Resize, Settings, Thresholds};

const SIDE: u32 = 48;

/// A textured part; a defective one has a bright spot.
#[expect(clippy::unwrap_used, reason = "a part of several tests")]
fn photo(number: u32, is_defective: bool) -> Photo {
    let sample = |at: u32| {
        let (x, y) = (at % SIDE, at / SIDE);
        let is_spot = is_defective && (20..28).contains(&x) && (20..28).contains(&y);
        if is_spot { 250 } else { (100 + (x * 37 + y * 11 + number * 5) % 23) as u8 }
    };
    let data: Vec<u8> = (0..SIDE * SIDE).map(sample).collect();
    let buffer =
        PixelBuffer { data: &data, width: SIDE, height: SIDE, stride: SIDE as usize, format: PixelFormat::Gray8 };
    Photo::from_buffer(&buffer).unwrap().with_name(format!("{number}"))
}

#[expect(clippy::unwrap_used, reason = "a part of several tests")]
fn model() -> Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    let fit = || {
        let resize = Some(Resize::Short(64));
        let settings = Settings { resize, coreset_sampling_ratio: Some(0.25), ..Settings::default() };
        Model::fit_with(&settings, (0..4).map(|number| photo(number, false)), FitOptions::default()).unwrap().model
    };
    MODEL.get_or_init(fit).clone()
}

#[expect(clippy::unwrap_used, reason = "a part of several tests")]
fn of(kind: PerturbationKind, level: f64) -> Perturbation {
    Perturbation::new(kind, level).unwrap()
}

/// Two good photos that the fit has not seen and two defective ones, in turn.
fn photos() -> Vec<(Photo, bool)> {
    [(5, false), (6, true), (7, false), (8, true)].map(|(number, bad)| (photo(number, bad), bad)).to_vec()
}

#[test]
fn every_level_is_what_the_model_says_of_the_changed_photos() {
    let model = model();
    let (darker, brighter) = (of(PerturbationKind::Light, 0.5), of(PerturbationKind::Light, 1.5));
    let turned = of(PerturbationKind::Rotation, 10.0);
    let unchanged = model.stress(photos(), StressOptions::default().perturbations([])).unwrap().results;
    let threshold = Threshold::manual(unchanged.unchanged.median_good_score.unwrap() as f32 * 1.2);
    let options =
        StressOptions::default().perturbations([turned, brighter, darker, darker, of(PerturbationKind::Scale, 1.0)]);
    assert_eq!(options.scores_per_photo(), 4);
    let stress = model.stress(photos(), options.threshold(threshold)).unwrap();
    assert!(stress.rejected.is_empty());
    let results = stress.results;
    let kinds: Vec<&str> = results.kinds.iter().map(|series| series.kind.as_str()).collect();
    assert_eq!(kinds, ["light", "rotation"]);
    let levels: Vec<f64> = results.kinds[0].levels.iter().map(|level| level.level).collect();
    assert_eq!(levels, [0.5, 1.5]);
    // One by one: the number of a photo in its class is its seed.
    let scores = |perturbation: Perturbation| -> Vec<f32> {
        let score = |(number, (photo, _)): (usize, (Photo, bool))| {
            model.score(&photo.perturbed(perturbation, None, number as u64 / 2).unwrap()).unwrap().score
        };
        photos().into_iter().enumerate().map(score).collect()
    };
    let labels = [false, true, false, true];
    let before = scores(of(PerturbationKind::Scale, 1.0));
    for (perturbation, found) in [
        (darker, results.kinds[0].levels[0].outcome),
        (brighter, results.kinds[0].levels[1].outcome),
        (turned, results.kinds[1].levels[0].outcome),
    ] {
        let expected = StressOutcome::new(&scores(perturbation), &before, &labels, Some(&threshold)).unwrap();
        assert_eq!(found, expected, "{perturbation:?}");
    }
    assert_eq!(results.unchanged, StressOutcome::new(&before, &before, &labels, Some(&threshold)).unwrap());
    assert_eq!((results.n_normal, results.n_anomalous, results.of_normal, results.of_anomalous), (2, 2, 2, 2));
    assert!(results.sentence.starts_with("Too few photos to say"), "{}", results.sentence);
    assert_eq!(results.kinds[1].levels[0].words, "a rotation of 10 degrees");
}

#[test]
fn the_threshold_is_the_callers_the_models_or_one_of_the_photos() {
    let light = || StressOptions::default().perturbations([of(PerturbationKind::Light, 0.5)]);
    let stored = Thresholds { image: Some(Threshold::manual(7.0)), ..Thresholds::default() };
    let calibrated = model().with_thresholds(stored).unwrap();
    let of_model = |model: &Model, options| model.stress(photos(), options).unwrap().results.threshold.unwrap();
    assert_eq!(of_model(&calibrated, light().threshold(Threshold::manual(3.0))), Threshold::manual(3.0));
    assert_eq!(of_model(&calibrated, light()), Threshold::manual(7.0));
    let scores: Vec<f32> = photos().iter().map(|(photo, _)| model().score(photo).unwrap().score).collect();
    let labels: Vec<bool> = photos().iter().map(|(_, is_defective)| *is_defective).collect();
    assert_eq!(Some(of_model(&model(), light())), Threshold::of_test_set(&scores, &labels));
    // Good photos alone have the highest of their scores.
    let good = photos().into_iter().filter(|(_, is_defective)| !is_defective);
    let results = model().stress(good, light()).unwrap().results;
    let origin = results.threshold.map(|threshold| threshold.origin);
    assert_eq!(origin, Some(ThresholdOrigin::HighestGood { n_normal: 2 }));
    assert_eq!(results.unchanged.false_alarms.map(|wrong| (wrong.count, wrong.of)), Some((0, 2)));
    // Defective ones alone have none: nothing is counted, and that is said.
    let defective = photos().into_iter().filter(|(_, is_defective)| *is_defective);
    let results = model().stress(defective, light()).unwrap().results;
    assert!(results.threshold.is_none() && results.unchanged.misses.is_none());
    assert!(results.sentence.starts_with("There is no threshold"), "{}", results.sentence);
    // Good ones have false alarms only.
    let good = photos().into_iter().filter(|(_, is_defective)| !is_defective);
    let results = calibrated.stress(good, light()).unwrap().results;
    assert!(results.unchanged.false_alarms.is_some() && results.unchanged.misses.is_none());
    assert!(results.unchanged.image_auroc.is_none() && results.kinds[0].levels[0].outcome.median_ratio.is_some());
}

#[test]
fn photos_are_chosen_evenly_in_each_class() {
    let chosen = |good: usize, defective: usize, most: usize| {
        let all = (0..good).map(|number| (number, false)).chain((0..defective).map(|number| (100 + number, true)));
        let mut found = Vec::new();
        let photos = all.map(|(number, is_defective)| ((format!("{number}"), photo(0, false)), is_defective));
        let of = choose(photos, most, |name, seed, is_defective, source| {
            assert!(source.is_ok());
            found.push((name.parse::<usize>().unwrap(), seed, is_defective));
        });
        assert_eq!(of, (good, defective));
        found
    };
    assert_eq!(chosen(3, 0, 9), [(0, 0, false), (1, 1, false), (2, 2, false)]);
    let some = [(0, 0, false), (3, 1, false), (6, 2, false), (100, 0, true), (101, 1, true), (103, 2, true)];
    assert_eq!(chosen(10, 5, 3), some);
    assert!(chosen(4, 4, 0).is_empty());
    assert_eq!(chosen(97, 3, 40).iter().filter(|(.., is_defective)| !is_defective).count(), 40);
}

#[test]
fn what_fails_is_named_once_and_is_in_no_count() {
    let model = model();
    let input = model.prepare(&photo(9, false)).unwrap();
    let missing = std::path::PathBuf::from("/there is no such photo.png");
    let photos = [
        (PhotoSource::Photo(photo(5, false)), false),
        (PhotoSource::Path(missing), false),
        (PhotoSource::Input(input), false),
        (PhotoSource::Photo(photo(6, true)), true),
    ];
    let options = StressOptions::default().perturbations([0.5, 0.7].map(|level| of(PerturbationKind::Light, level)));
    let mut told = Vec::new();
    let options = options.progress(|progress| {
        told.push((progress.done, progress.total));
        ControlFlow::Continue(())
    });
    let stress = model.stress(photos, options).unwrap();
    let rejected: Vec<String> = stress.rejected.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    assert!(rejected[0].contains("there is no such photo.png") && rejected[1].contains("photo 2"), "{rejected:?}");
    assert_eq!((stress.results.n_normal, stress.results.n_anomalous, stress.results.n_failed), (1, 1, 2));
    assert_eq!(told.last(), Some(&(12, 12)));
    assert!(told.is_sorted() && told.len() == 8, "{told:?}");
}

#[test]
fn it_can_be_cancelled_and_is_the_same_again() {
    let light = || StressOptions::default().perturbations([of(PerturbationKind::Noise, 0.05)]);
    let mut left = 3;
    let stopped = model().stress(
        photos(),
        light().progress(|_| {
            left -= 1;
            if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }),
    );
    assert!(matches!(stopped, Err(Error::Cancelled { what: "stress test" })));
    let results = || model().stress(photos(), light()).unwrap().results;
    assert_eq!(results(), results());
    assert!(model().stress(Vec::<(Photo, bool)>::new(), light()).unwrap().results.sentence.contains("No photo"));
}
