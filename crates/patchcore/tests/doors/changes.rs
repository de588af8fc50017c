//! A model that grows, shrinks and is joined: what stays, what its file says of it, and what is promised of scores.

use std::ops::ControlFlow;

use patchcore::error::{ConfigError, FitError, ModelFileError};
use patchcore::metrics::threshold::GoodScoreSource;
use patchcore::{
    ChangeKind, Coverage, CoverageOptions, Error, ExtendOptions, FitOptions, ForgetOptions, IntervalOf, LoadOptions,
    MergeOptions, Mode, Model, ModelFile, NetworkPrecision, Photo, Provenance, Save, Settings, Stage, Threshold,
    ThresholdFate, ThresholdOrigin, Thresholds,
};

use crate::part;

fn settings() -> Settings {
    Settings { resize: Some(patchcore::Resize::Keep), coreset_sampling_ratio: Some(0.1), ..Settings::default() }
}

/// Photos with names of their own, `part 3` for the seed 3.
fn named(seeds: impl IntoIterator<Item = u32>) -> Vec<(String, Photo)> {
    seeds.into_iter().map(|seed| (format!("part {seed}"), part::photo(seed, false))).collect()
}

fn fitted(settings: &Settings, seeds: impl IntoIterator<Item = u32>) -> Model {
    Model::fit(settings, named(seeds)).unwrap()
}

fn names(model: &Model) -> Vec<&str> {
    model.training_photos().iter().map(|photo| photo.name.as_str()).collect()
}

fn radii(coverage: &[Coverage]) -> Vec<f32> {
    coverage.iter().map(|coverage| coverage.radius).collect()
}

/// How far the patches of photos lie from the banks.
fn measured(model: &Model, seeds: impl IntoIterator<Item = u32>) -> Vec<Coverage> {
    model.measure_coverage(named(seeds), CoverageOptions::default()).unwrap().coverage
}

fn covers(model: &Model, seeds: impl IntoIterator<Item = u32>) -> bool {
    let found = radii(&measured(model, seeds));
    let known = radii(model.coverage());
    assert_eq!(known.len(), model.banks().len());
    known.iter().zip(&found).all(|(known, found)| found <= known)
}

fn with_threshold(model: Model) -> Model {
    let threshold = Threshold { value: 2.5, origin: ThresholdOrigin::Manual };
    model.with_thresholds(Thresholds { image: Some(threshold), ..Thresholds::default() }).unwrap()
}

fn file_of(model: &Model) -> ModelFile {
    ModelFile::from_bytes(&model.to_bytes(Save::WithoutWeights).unwrap()).unwrap()
}

#[test]
fn an_extended_model_knows_more_photos_and_no_score_rises() {
    let model = with_threshold(fitted(&settings(), 0..4));
    assert_eq!(model.coverage().len(), model.banks().len());
    assert!(covers(&model, 0..4) && model.coverage().iter().all(|coverage| coverage.is_exact));
    let mut told = Vec::new();
    let options = ExtendOptions::default().date("2026-11-27").progress(|progress| {
        told.push((progress.stage, progress.done, progress.total));
        ControlFlow::Continue(())
    });
    // One that it has, under another name, and one twice.
    let mut photos = named([10, 11]);
    photos.push(("known".to_owned(), part::photo(2, false)));
    photos.push(("part 10 again".to_owned(), part::photo(10, false)));
    let failed: (&str, Result<Photo, Error>) = ("broken", Err(Error::WrongThreshold { value: 1.0 }));
    let all = photos.into_iter().map(|(name, photo)| (name, Ok(photo))).chain([(failed.0.to_owned(), failed.1)]);
    let report = model.extend(all, options).unwrap();
    assert_eq!((report.added, report.already.as_slice()), (2, &["known".to_owned(), "part 10 again".to_owned()][..]));
    assert_eq!((report.rejected.len(), report.rejected[0].0.as_str()), (1, "broken"));
    // Told of every photo, the broken one too, and then of the rows that are picked.
    let (photos, picks) = told.split_at(5);
    assert!((1..).zip(photos).all(|(place, told)| (told.0, told.1) == (Stage::Features, place)), "{photos:?}");
    assert!(picks.iter().all(|(stage, done, total)| *stage == Stage::Coreset && done <= total), "{picks:?}");
    assert_eq!(picks.last().map(|(_, done, _)| *done), Some(report.rows_added.iter().sum()));
    assert!(report.rows_added.iter().all(|rows| *rows > 0), "{:?}", report.rows_added);
    assert_eq!(report.coverage_before, model.coverage());
    assert_eq!(report.coverage_after, report.model.coverage());
    let after = report.model;
    assert!(covers(&after, [0, 1, 2, 3, 10, 11]));
    assert_eq!(names(&after), ["part 0", "part 1", "part 2", "part 3", "part 10", "part 11"]);
    assert_eq!(after.fitted_on().images, 6);
    assert_eq!(after.inputs_seen().unwrap().sizes[0].photos, 6);
    for seed in [0, 3, 10, 20, 21] {
        for defect in [false, true] {
            let photo = part::photo(seed, defect);
            let (old, new) = (model.score(&photo).unwrap(), after.score(&photo).unwrap());
            assert!(new.score <= old.score, "{seed}: {} {}", old.score, new.score);
            assert!(new.map.scores.iter().zip(&old.map.scores).all(|(new, old)| *new <= old * (1.0 + 1e-6)));
        }
    }
    let own = after.calibrate(named([10]), patchcore::CalibrateOptions::default());
    assert!(matches!(own, Err(Error::TrainingPhoto { count: 1, .. })), "it knows its new photos");
    // Thresholds hold, and the file tells what was done.
    assert_eq!((report.thresholds, after.thresholds()), (ThresholdFate::Kept, model.thresholds()));
    let kinds: Vec<ChangeKind> = after.history().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Fit, ChangeKind::Extend]);
    let change = &after.history()[1];
    assert_eq!((change.date.as_deref(), change.photos), (Some("2026-11-27"), 6));
    assert_eq!(change.added[0].name, "part 10");
    assert!(change.added[1].sha256.as_ref().is_some_and(|digest| digest.len() == 64) && change.removed.is_empty());
    assert_eq!(change.rows, after.banks().iter().map(|bank| bank.len()).collect::<Vec<_>>());
    let bytes = after.to_bytes(Save::WithoutWeights).unwrap();
    let loaded = Model::from_bytes(&bytes, &LoadOptions::default()).unwrap();
    assert_eq!(
        (loaded.history(), loaded.coverage(), loaded.thresholds()),
        (after.history(), after.coverage(), after.thresholds())
    );
    assert_eq!(loaded.to_bytes(Save::WithoutWeights).unwrap(), bytes);
    assert_eq!(loaded.score(&part::photo(20, true)).unwrap(), after.score(&part::photo(20, true)).unwrap());
    // Damaged it is none.
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let refused = Model::from_bytes(&damaged, &LoadOptions::default()).unwrap_err();
    assert!(matches!(refused, Error::ModelFile { source: ModelFileError::Checksum { .. }, .. }), "{refused}");
}

#[test]
fn what_an_extension_cannot_do_is_said() {
    let model = fitted(&settings(), 0..3);
    let nothing_new = model.extend(named([1]), ExtendOptions::default()).unwrap();
    assert_eq!((nothing_new.added, nothing_new.already.len(), nothing_new.thresholds), (0, 1, ThresholdFate::None));
    assert!(nothing_new.model.history().is_empty(), "nothing was done");
    let none: [Photo; 0] = [];
    assert!(matches!(model.extend(none, ExtendOptions::default()), Err(Error::Fit(FitError::NoImages))));
    let broken: [Result<Photo, Error>; 1] = [Err(Error::NoThreshold)];
    assert!(matches!(model.extend(broken, ExtendOptions::default()), Err(Error::NoUsablePhoto { count: 1, .. })));
    let twice = model.extend(named([7]), ExtendOptions::default().ratio(0.1).bank_rows(7)).unwrap_err();
    assert!(matches!(&twice, Error::Config(ConfigError::OutOfRange { parameter: "ratio", .. })), "{twice}");
    let stopped = model.extend(named([7]), ExtendOptions::default().progress(|_| ControlFlow::Break(())));
    assert!(matches!(stopped, Err(Error::Cancelled { what: "extension" })));
    // As many rows as are asked for, and until a radius is kept.
    let rows = model.bank().len() + 3;
    let report = model.extend(named([7, 8]), ExtendOptions::default().bank_rows(rows)).unwrap();
    assert_eq!(report.model.bank().len(), rows);
    let within = f64::from(radii(&measured(&model, [7, 8]))[0]) / 2.0;
    let report = model.extend(named([7, 8]), ExtendOptions::default().coverage(within)).unwrap();
    assert!(radii(&measured(&report.model, [7, 8])).iter().all(|radius| f64::from(*radius) <= within));
    // By equation 7 a score may rise, and so no threshold stays.
    let paper = Settings { mode: Mode::Paper, num_neighbors: Some(3), ..settings() };
    let report = with_threshold(fitted(&paper, 0..3)).extend(named([7]), ExtendOptions::default()).unwrap();
    assert_eq!(report.thresholds, ThresholdFate::Stale);
}

#[test]
fn forgotten_photos_leave_the_model_and_its_thresholds_are_stale() {
    let place = tempfile::tempdir().unwrap();
    let files: Vec<std::path::PathBuf> = (0..5)
        .map(|seed| {
            let path = place.path().join(format!("{seed}.png"));
            part::photo(seed, seed == 3).to_rgb8().save(&path).unwrap();
            path
        })
        .collect();
    let provenance = Provenance { date: Some("2026-11-20".to_owned()), ..Provenance::default() };
    let model = Model::fit(&settings(), &files).unwrap().with_thumbnails(&patchcore::Limits::default()).unwrap();
    let model = with_threshold(model).with_provenance(provenance);
    let digest: String = model.training_photos()[1].sha256.unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let words = ["3.png".to_owned(), digest[..10].to_owned()];
    let report = model.forget(&words, ForgetOptions::default().date("2026-11-30")).unwrap();
    assert_eq!(report.forgotten, [&files[1], &files[3]].map(|path| patchcore::path_text(path)));
    let after = &report.model;
    assert_eq!(names(after), [0, 2, 4].map(|seed| patchcore::path_text(&files[seed])));
    assert_eq!(after.fitted_on().images, 3);
    assert!(after.banks().iter().all(|bank| bank.origins().unwrap().iter().all(|origin| origin.image < 3)));
    let rows = |model: &Model| model.banks().iter().map(|bank| bank.len()).collect::<Vec<_>>();
    let left = rows(&model).into_iter().zip(&report.rows_removed).map(|(rows, removed)| rows - removed);
    assert_eq!(rows(after), left.collect::<Vec<_>>());
    // Each row and small picture is of the photo that its file names now.
    let file = file_of(after);
    for kept in &file.sections.thumbnails {
        let before = file_of(&model).sections.thumbnails;
        let old = before.iter().find(|old| old.jpeg == kept.jpeg).unwrap();
        assert_eq!(names(after)[kept.image as usize], names(&model)[old.image as usize]);
    }
    let scored = after.score(&Photo::open(&files[4], &patchcore::Limits::default()).unwrap()).unwrap();
    let near = after.open_nearest(&scored.nearest_good, &patchcore::Limits::default()).unwrap();
    assert!(!near.is_thumbnail, "the photo is found again");

    // The thresholds promise nothing of this bank: nobody judges by them unasked.
    assert_eq!(
        (report.thresholds, scored.verdict, after.thresholds()),
        (ThresholdFate::Stale, None, Thresholds::default())
    );
    let stale = after.stale_thresholds().unwrap();
    assert_eq!((stale.thresholds, stale.since), (model.thresholds(), ChangeKind::Forget));
    assert_eq!(file.sections.thresholds, None, "an earlier reader sees none");
    let allowed = after.clone().with_stale_thresholds_allowed();
    assert!(allowed.score(&part::photo(9, true)).unwrap().verdict.is_some());
    assert_eq!(allowed.to_bytes(Save::WithoutWeights).unwrap(), after.to_bytes(Save::WithoutWeights).unwrap());
    // A further change leaves them stale, a calibration makes new ones.
    let more = allowed.extend(named([20]), ExtendOptions::default()).unwrap();
    assert_eq!((more.thresholds, more.model.stale_thresholds()), (ThresholdFate::Stale, Some(stale)));
    let kinds: Vec<ChangeKind> = more.model.history().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Fit, ChangeKind::Forget, ChangeKind::Extend]);
    assert_eq!(more.model.history()[0].date.as_deref(), Some("2026-11-20"), "the fit's own date");
    assert_eq!(more.model.history()[1].removed.len(), 2);
    let held_out: Vec<Photo> = (100..112).map(|seed| part::photo(seed, false)).collect();
    let calibrated = more.model.calibrate(&held_out, patchcore::CalibrateOptions::default()).unwrap();
    assert_eq!(calibrated.source, GoodScoreSource::HeldOut);
    let model = more.model.with_thresholds(calibrated.thresholds(0.3, 0.9).unwrap()).unwrap();
    assert!(model.stale_thresholds().is_none() && file_of(&model).sections.thresholds.is_some());
    // In a file, too.
    let path = place.path().join("m.patchcore");
    after.save(&path, Save::WithoutWeights).unwrap();
    patchcore::store_thresholds(&path, model.thresholds()).unwrap();
    assert!(Model::load(&path).unwrap().stale_thresholds().is_none());
    // A program that did not know stale ones has stored its own, and kept theirs.
    let mut both = file_of(after);
    both.sections.thresholds = Some(model.thresholds());
    let loaded = Model::from_bytes(&both.to_bytes().unwrap(), &LoadOptions::default()).unwrap();
    assert_eq!((loaded.stale_thresholds(), loaded.thresholds()), (None, model.thresholds()));
}

#[test]
fn what_is_forgotten_leaves_a_bound_and_photos_cover_again() {
    for settings in [settings(), Settings { mode: Mode::Paper, num_neighbors: Some(3), ..settings() }] {
        let model = fitted(&settings, 0..6);
        let meant = ["part 1".to_owned(), "part 4".to_owned()];
        let (gone, stay) = ([1, 4], [0, 2, 3, 5]);
        let forgotten = model.forget(&meant, ForgetOptions::default()).unwrap();
        assert!(covers(&forgotten.model, stay));
        assert!(forgotten.coverage_after.iter().all(|coverage| !coverage.is_exact));
        // From some of the photos, and from all.
        let cover = |seeds: &[u32]| ForgetOptions::default().cover_with_photos(named(seeds.iter().copied()));
        let some = model.forget(&meant, cover(&stay[..2])).unwrap();
        let all = model.forget(&meant, cover(&[0, 1, 2, 3, 5, 77])).unwrap();
        assert_eq!(all.unknown, ["part 1", "part 77"]);
        assert!(covers(&some.model, stay) && covers(&all.model, stay));
        assert!(!some.coverage_after[0].is_exact && all.coverage_after.iter().all(|coverage| coverage.is_exact));
        let kept = |model: &Model, seeds: &[u32]| {
            let found = radii(&measured(model, seeds.iter().copied()));
            found.iter().zip(radii(&forgotten.coverage_before)).all(|(now, before)| *now <= before)
        };
        assert!(kept(&some.model, &stay[..2]) && kept(&all.model, &stay));
        // Added again, the bound holds for all.
        let back = forgotten.model.extend(named(gone), ExtendOptions::default()).unwrap();
        assert_eq!(back.added, 2);
        assert!(covers(&back.model, 0..6));
    }
}

#[test]
fn what_cannot_be_forgotten_is_said() {
    let model = fitted(&settings(), 0..3);
    let forget = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|words| (*words).to_owned()).collect();
        model.forget(&words, ForgetOptions::default()).unwrap_err()
    };
    let unknown = forget(&["part 1", "part 17"]);
    assert!(matches!(&unknown, Error::UnknownPhoto { photo, photos: 3 } if photo == "part 17"), "{unknown}");
    let all = forget(&["part 0", "part 1", "part 2"]);
    assert!(matches!(all, Error::NothingLeft { photos: 3 }), "{all}");
    let copies = Model::fit(
        &settings(),
        [("a", part::photo(1, false)), ("b", part::photo(1, false)), ("c", part::photo(2, false))],
    );
    let report = copies.unwrap().forget(&["b".to_owned()], ForgetOptions::default()).unwrap();
    assert_eq!((report.forgotten.as_slice(), names(&report.model)), (&["a".to_owned(), "b".to_owned()][..], vec!["c"]));
}

#[test]
fn merged_models_know_the_photos_of_all_and_cover_every_patch() {
    for settings in [settings(), Settings { mode: Mode::Paper, num_neighbors: Some(3), ..settings() }] {
        // One photo is in both.
        let (one, other) = (fitted(&settings, 0..4), with_threshold(fitted(&settings, 3..8)));
        let models = [one.clone(), other.clone()];
        let report = Model::merge(&models, MergeOptions::default().date("2026-11-30")).unwrap();
        assert_eq!((report.photos, report.copies), (8, 1));
        let merged = &report.model;
        assert_eq!(names(merged), (0..8).map(|seed| format!("part {seed}")).collect::<Vec<_>>());
        assert!(covers(merged, 0..8), "{:?}", merged.coverage());
        for (member, rows) in report.rows.iter().enumerate() {
            let sum = one.banks()[member].len() + other.banks()[member].len();
            assert!(*rows <= sum && sum == report.rows_before[member]);
            let origins = merged.banks()[member].origins().unwrap();
            assert!(origins.iter().all(|origin| origin.image < 8));
        }
        assert_eq!((report.thresholds, merged.thresholds()), (ThresholdFate::Stale, Thresholds::default()));
        assert_eq!(merged.stale_thresholds().unwrap().since, ChangeKind::Merge);
        let kinds: Vec<ChangeKind> = merged.history().iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [ChangeKind::Fit, ChangeKind::Fit, ChangeKind::Merge]);
        assert_eq!(merged.inputs_seen().unwrap().sizes[0].photos, 9, "as the fits have seen them");
        // Reduced, the radius is a bound still.
        for options in [MergeOptions::default().bank_rows(30), MergeOptions::default().ratio(0.05)] {
            let reduced = Model::merge(&models, options).unwrap();
            assert!(reduced.rows.iter().zip(&report.rows).all(|(reduced, all)| reduced < all), "{:?}", reduced.rows);
            assert!(covers(&reduced.model, 0..8), "{:?}", reduced.model.coverage());
        }
        // A model twice is that model.
        let same = Model::merge(&[one.clone(), one.clone()], MergeOptions::default()).unwrap();
        assert_eq!(
            (same.copies, same.model.bank().rows(), same.thresholds),
            (4, one.bank().rows(), ThresholdFate::None)
        );
        let bytes = merged.to_bytes(Save::WithWeights).unwrap();
        let loaded = Model::from_bytes(&bytes, &LoadOptions::default()).unwrap();
        assert_eq!(loaded.stale_thresholds(), merged.stale_thresholds());
        assert_eq!(loaded.to_bytes(Save::WithWeights).unwrap(), bytes);
    }
}

#[test]
fn models_that_compute_something_else_are_not_merged_and_the_difference_is_named() {
    let model = fitted(&settings(), 0..3);
    let difference =
        |other: &Settings| match Model::merge(&[model.clone(), fitted(other, 5..8)], MergeOptions::default()) {
            Err(Error::ModelsDiffer { name, a, b, number: 2 }) => (name.to_string(), a.to_string(), b.to_string()),
            other => panic!("{other:?}"),
        };
    let seed = difference(&Settings { seed: 7, ..settings() });
    assert_eq!(seed, ("seed".to_owned(), "0".to_owned(), "7".to_owned()));
    let (name, a, b) = difference(&Settings { coreset_sampling_ratio: Some(0.2), ..settings() });
    assert_eq!((name.as_str(), a.as_str(), b.as_str()), ("coreset_sampling_ratio", "0.1", "0.2"));
    let (name, ..) = difference(&Settings { mode: Mode::Paper, num_neighbors: Some(3), ..settings() });
    assert_eq!(name, "image_score");
    let (name, ..) = difference(&Settings { resize: Some(patchcore::Resize::Short(64)), ..settings() });
    assert!(name.starts_with("view.resize"), "{name}");
    // Ranges of int8 are measured by each fit.
    let int8 = Settings { network_precision: NetworkPrecision::Int8, ..settings() };
    let models = [fitted(&int8, 0..3), Model::fit(&int8, [part::photo(5, true)]).unwrap()];
    let Err(Error::ModelsDiffer { name, .. }) = Model::merge(&models, MergeOptions::default()) else { panic!() };
    assert!(name.starts_with("the range of int8 of map"), "{name}");
    let alone = Model::merge(&models[..1], MergeOptions::default()).unwrap_err();
    assert!(matches!(alone, Error::TooFewModels { found: 1 }), "{alone}");
}

#[test]
fn a_coverage_that_was_measured_again_is_exact() {
    let model = fitted(&settings(), 0..4);
    let model = model.extend(named([9]), ExtendOptions::default()).unwrap().model;
    let seeds = [0, 1, 2, 3, 9];
    let report = model.measure_coverage(named(seeds), CoverageOptions::default()).unwrap();
    assert_eq!((report.photos, report.missing, report.unknown.len()), (5, 0, 0));
    let some = model.measure_coverage(named([3, 9, 30]), CoverageOptions::default()).unwrap();
    assert_eq!((some.missing, some.unknown.as_slice()), (3, &["part 30".to_owned()][..]));
    let coverage = report.coverage.clone();
    assert!(coverage.iter().all(|coverage| coverage.is_exact && coverage.quantiles.len() == 7));
    let exact = model.clone().with_coverage(report.coverage).unwrap();
    assert_eq!(file_of(&exact).sections.coverage, coverage);
    let refused = model.clone().with_coverage(coverage[..1].to_vec());
    assert_eq!(refused.is_err(), model.banks().len() > 1);
    let wrong = coverage.iter().map(|_| Coverage { radius: f32::NAN, ..coverage[0].clone() }).collect();
    assert!(matches!(model.with_coverage(wrong), Err(Error::WrongCoverage { .. })));
}

/// A bank of every patch against one of a few, of the same photos and with the same weights.
#[test]
fn the_score_against_all_patches_lies_in_the_interval() {
    let networks = |mode: Mode, neighbours: Option<usize>| Settings { mode, num_neighbors: neighbours, ..settings() };
    let cases = [
        (networks(Mode::Line, None), Some(IntervalOf::Score)),
        (networks(Mode::Authors, Some(1)), Some(IntervalOf::Score)),
        (networks(Mode::Authors, Some(3)), None),
        (networks(Mode::Paper, Some(3)), Some(IntervalOf::WorstPatch)),
    ];
    for (settings, of) in cases {
        let few = fitted(&Settings { coreset_sampling_ratio: Some(0.02), ..settings }, 0..4);
        // All patches of the photos, beside those that are there: the weights stay those of the fit.
        let bare = named(0..4).into_iter().map(|(name, photo)| (name, few.prepare(&photo).unwrap()));
        let all = few.extend(bare, ExtendOptions::default().ratio(1.0)).unwrap().model;
        assert!(radii(&measured(&all, 0..4)).iter().all(|radius| *radius == 0.0), "every patch is there");
        for seed in 0..24 {
            let photo = part::photo(seed, seed % 3 == 0);
            let (score, of_all) = (few.score(&photo).unwrap(), all.score(&photo).unwrap());
            let interval = few.score_interval(&score);
            assert_eq!(interval.map(|interval| interval.of), of);
            let Some(interval) = interval else { continue };
            let value = match interval.of {
                IntervalOf::Score => of_all.score,
                _ => of_all.patches.scores.iter().copied().fold(0.0, f32::max),
            };
            assert!(interval.low <= value && value <= interval.high * (1.0 + 1e-6), "{seed} {value} {interval:?}");
            assert!(interval.low >= 0.0 && interval.low <= interval.high);
            // Of all patches there is nothing more to know.
            let known = all.clone().with_coverage(measured(&all, 0..4)).unwrap().score_interval(&of_all).unwrap();
            assert!(known.low >= known.high * 0.9999, "{known:?}");
        }
    }
}

/// That the budget is too small is no fault of the photo with which that came out.
#[test]
fn a_budget_that_runs_out_ends_the_fit() {
    let (memory, unknown) = (Some(1 << 20), named(0..60).into_iter().filter(|_| true));
    let settings = Settings { memory, coreset_sampling_ratio: Some(0.5), ..settings() };
    let error = Model::fit_with(&settings, unknown, FitOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Fit(FitError::CapacityTooSmall { .. })), "{error}");
    // Where the number of photos is known it is said before the first one.
    let mut seen = 0;
    let options = FitOptions::default().patches(60 * 144).progress(|_| {
        seen += 1;
        ControlFlow::Continue(())
    });
    let error = Model::fit_with(&settings, named(0..60), options).unwrap_err();
    assert!(matches!(error, Error::Fit(FitError::BudgetTooSmall { .. })), "{error}");
    assert_eq!(seen, 0);
}
