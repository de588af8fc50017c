//! Fits within a budget of memory, on the CPU: what is the same as without one, and what holds when patches are dropped.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use patchcore_config::{
    BankSize, Checked, Copies, ImageScoreRule, LevelScaling, MemberConfig, Mode, Pad, Resize, Tiling, Turned,
};

use crate::backbone::Backbone;
use crate::backbone::test_networks::Blocks;
use crate::device::ComputeDevice;
use crate::error::FitError;
use crate::model_file::{DriftPolicy, ModelFile};
use crate::model_tests::{SIDE, blocks_member, config, input, network_of, photo};
use crate::test_threads::with_threads;
use crate::{Fitter, ImageInput, PatchCollector, PatchCore};

/// Patches of a photo.
const CELLS: usize = 144;

/// Two members over one network, one on its coarse grid, the other with its levels scaled.
fn members() -> Vec<MemberConfig> {
    let network = network_of(&Blocks::new());
    let coarse = Mode::Paper.member(network, vec!["coarse".to_owned()]);
    let mut scaled = blocks_member();
    scaled.level_scaling = LevelScaling::EQUAL_VARIANCE;
    vec![coarse, scaled]
}

fn rules(members: Vec<MemberConfig>, rows: usize, memory: Option<u64>) -> Checked {
    let config = config(members, ImageScoreRule::MaximumOfMap).into_config();
    config.with_bank_rows(Some(rows)).with_memory(memory).check().unwrap()
}

fn networks(config: &Checked) -> Vec<Arc<dyn Backbone>> {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    vec![blocks; config.members.len()]
}

fn fitter(config: &Checked) -> Fitter {
    Fitter::with_backbones(config.clone(), &networks(config), &ComputeDevice::cpu()).unwrap()
}

/// A fit of so many photos, so many at once.
fn fit(config: &Checked, photos: u64, at_once: u64) -> PatchCore {
    let mut fitter = fitter(config);
    for first in (0..photos).step_by(at_once as usize) {
        let pixels: Vec<Vec<f32>> = (first..photos.min(first + at_once)).map(photo).collect();
        let inputs: Vec<ImageInput<'_>> = pixels.iter().map(|pixels| input(pixels)).collect();
        fitter.add_batch(&inputs).unwrap();
    }
    fitter.finish(&mut |_, _| true).unwrap()
}

/// The file's bytes, with the budget taken out of the settings.
fn bytes(model: &PatchCore) -> Vec<u8> {
    let mut file = ModelFile::new(model);
    file.header.config = file.header.config.clone().into_config().with_memory(None).check().unwrap();
    file.header.requires.clear();
    file.to_bytes().unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

/// The largest distance of any patch of such photos, copies and tiles included, to a member's bank, in f64.
fn radius(model: &PatchCore, member: usize, photos: impl Iterator<Item = u64>) -> f64 {
    let (bank, mut patches, mut largest) = (model.members()[member].bank(), PatchCollector::new(model), 0.0f64);
    for seed in photos {
        patches.clear();
        patches.add(input(&photo(seed)), None).unwrap();
        for row in patches.rows(member).0.chunks(bank.dim()) {
            let nearest = bank.rows().chunks(bank.dim()).map(|kept| distance(row, kept));
            largest = largest.max(nearest.fold(f64::INFINITY, f64::min));
        }
    }
    largest
}

#[test]
fn a_budget_that_holds_everything_changes_nothing() {
    for members in [vec![blocks_member()], members()] {
        let without = fit(&rules(members.clone(), 30, None), 9, 1);
        let within = fit(&rules(members, 30, Some(64 << 20)), 9, 1);
        assert!(within.coverage().iter().all(|coverage| coverage.is_exact));
        assert_eq!(bytes(&within), bytes(&without));
        assert!(without.good_quantiles().is_some());
    }
}

#[test]
fn every_patch_lies_within_the_radius_of_a_fit_and_a_photo_is_embedded_once() {
    let mut suggested = Vec::new();
    // All patches of 90 photos take more than this budget.
    for (memory, is_exact) in [(None, true), (Some(1 << 20), false)] {
        let config = rules(members(), 25, memory);
        let blocks = Arc::new(Blocks::new());
        let networks: Vec<Arc<dyn Backbone>> = vec![blocks.clone(), blocks.clone()];
        let mut fitter = Fitter::with_backbones(config, &networks, &ComputeDevice::cpu()).unwrap();
        (0..90).for_each(|seed| fitter.add(input(&photo(seed))).unwrap());
        // Once each, and twice for the copies that some are looked at by.
        assert_eq!(blocks.forwards.load(std::sync::atomic::Ordering::Relaxed), 90 + 2 * 8);
        suggested.push(fitter.suggestions().unwrap());
        let model = fitter.finish(&mut |_, _| true).unwrap();
        assert_eq!(model.fitted_on().patches, 90 * (CELLS + CELLS / 4));
        for (member, coverage) in model.coverage().iter().enumerate() {
            let measured = radius(&model, member, 0..90);
            let found = f64::from(coverage.radius);
            assert_eq!((coverage.is_exact, coverage.quantiles.is_empty()), (is_exact, !is_exact));
            assert!(found >= measured, "{found} {measured}");
            assert!(!is_exact || found <= measured * (1.0 + 1e-6), "{found} {measured}");
            assert_eq!(coverage.patches as usize, 90 * if member == 0 { CELLS / 4 } else { CELLS });
        }
        assert!(model.good_quantiles().is_some_and(|good| good.photos >= 8), "{:?}", model.good_quantiles());
        assert!(model.fitted_on().good_scores.median > 0.0);
        // What is known goes through the file.
        let file = ModelFile::from_bytes(&ModelFile::new(&model).to_bytes().unwrap()).unwrap();
        let loaded = file.into_model_with(&networks, &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
        assert_eq!(loaded.coverage(), model.coverage());
    }
    assert_eq!(suggested[0], suggested[1]);
}

#[test]
fn the_bytes_of_a_fit_within_a_budget_depend_neither_on_batches_nor_on_threads() {
    let config = rules(members(), 25, Some(1 << 20));
    let expected = bytes(&fit(&config, 90, 1));
    for threads in 1..=3 {
        for at_once in [1, 7, 64] {
            let found = with_threads(threads, || bytes(&fit(&config, 90, at_once)));
            assert!(found == expected, "{threads} threads, {at_once} at once");
        }
    }
}

#[test]
fn tiles_copies_and_a_coverage_keep_to_a_budget() {
    let mut config = rules(vec![blocks_member()], 25, Some(1 << 20)).into_config();
    config.view.resize = Resize::Keep;
    config.view.sizes = Default::default();
    config.view.pad = Pad::ToMultiple(14);
    let tiled = config.clone().with_tiling(Tiling::Tiles { size: 42, overlap: 14 });
    let copied = config.clone().with_copies(Copies { turned: Turned::Mirrored, ..Copies::default() });
    for (config, photos) in [(tiled, 60), (copied, 20)] {
        let model = fit(&config.check().unwrap(), photos, 7);
        let found = f64::from(model.coverage()[0].radius);
        assert!(!model.coverage()[0].is_exact && found >= radius(&model, 0, 0..photos));
    }
    let covered = config.with_bank_rows(None).with_coverage(Some(3.0)).check().unwrap();
    let model = fit(&covered, 60, 1);
    assert!(model.coverage()[0].radius <= 3.0 && radius(&model, 0, 0..60) <= 3.0);
    assert!(model.bank().len() >= 9, "{}", model.bank().len());
}

#[test]
fn a_photo_that_fails_leaves_a_fit_within_a_budget_as_it_was() {
    let config = rules(members(), 25, Some(1 << 20));
    let mut with_failures = fitter(&config);
    for seed in 0..90 {
        let pixels = photo(seed);
        assert!(with_failures.add(ImageInput { pixels: &pixels[1..], ..input(&pixels) }).is_err());
        let small = ImageInput { width: 28, height: 28, pixels: &pixels[..3 * 28 * 28] };
        assert!(with_failures.add_batch(&[input(&pixels), small]).is_err());
        let mut bright = pixels.clone();
        bright[9] = f32::MAX;
        bright[8] = f32::MAX;
        let refused = with_failures.add(input(&bright));
        assert!(matches!(refused, Err(FitError::NotFinite { image }) if image == seed as usize), "{refused:?}");
        with_failures.add(input(&pixels)).unwrap();
    }
    let found = with_failures.finish(&mut |_, _| true).unwrap();
    assert_eq!(bytes(&found), bytes(&fit(&config, 90, 1)));
}

#[test]
fn a_budget_that_is_too_small_is_refused_before_the_first_photo() {
    let config = rules(members(), 2000, Some(1 << 20));
    let refused = fitter(&config).add(input(&photo(0))).unwrap_err();
    let FitError::BudgetTooSmall { budget, smallest, .. } = refused else { panic!("{refused}") };
    assert_eq!(budget, 1 << 20);
    assert!(Fitter::budget_plan(None, &rules(members(), 2000, Some(smallest))).is_ok());
    assert!(Fitter::budget_plan(None, &rules(members(), 2000, Some(smallest - 1))).is_err());
}

/// Photos of a good part beside those of a fit.
fn collected(model: &PatchCore, photos: std::ops::Range<u64>) -> PatchCollector {
    let mut new = PatchCollector::new(model);
    photos.for_each(|seed| new.add(input(&photo(seed)), None).unwrap());
    new
}

#[test]
fn an_extended_model_keeps_its_rows_and_no_distance_rises() {
    let model = fit(&rules(members(), 25, None), 6, 1);
    let new = collected(&model, 6..10);
    for size in [BankSize::Ratio(0.1), BankSize::Rows(40), BankSize::Rows(3), BankSize::Coverage(1.5)] {
        let extended = model.extended(&new, size, &mut |_, _| true).unwrap();
        assert_eq!(extended.fitted_on().images, 10);
        assert_eq!(extended.fitted_on().patches, 10 * (CELLS + CELLS / 4));
        for (number, member) in extended.members().iter().enumerate() {
            let (old, bank) = (model.members()[number].bank(), member.bank());
            assert_eq!(&bank.rows()[..old.rows().len()], old.rows());
            let cells = [CELLS / 4, CELLS][number];
            match size {
                BankSize::Ratio(_) => assert_eq!(bank.len(), old.len() + 4 * cells / 10),
                BankSize::Rows(rows) => assert_eq!(bank.len(), rows.max(old.len())),
                _ => assert!(radius(&extended, number, 6..10) <= 1.5),
            }
            let origins = bank.origins().unwrap();
            assert!(origins[old.len()..].iter().all(|origin| (6..10).contains(&origin.image)));
            let coverage = &extended.coverage()[number];
            assert!(f64::from(coverage.radius) >= radius(&extended, number, 0..10));
            assert_eq!(coverage.patches as usize, 10 * cells);
        }
        for seed in 0..10 {
            let (before, after) =
                (model.score(input(&photo(seed))).unwrap(), extended.score(input(&photo(seed))).unwrap());
            let pairs = before.map.scores.iter().zip(&after.map.scores);
            assert!(pairs.into_iter().all(|(before, after)| after <= before));
        }
    }
    assert_eq!(
        model.extended(&PatchCollector::new(&model), BankSize::Rows(50), &mut |_, _| true).unwrap_err(),
        FitError::NoImages
    );
}

#[test]
fn forgotten_photos_leave_no_row_and_are_covered_again() {
    let model = fit(&rules(members(), 25, None), 8, 1);
    let without = model.without_photos(&[2, 5, 2]).unwrap();
    assert_eq!((without.fitted_on().images, without.fitted_on().patches), (6, 6 * (CELLS + CELLS / 4)));
    let renumbered = [0, 1, 3, 4, 6, 7];
    for (number, member) in without.members().iter().enumerate() {
        let old = model.members()[number].bank();
        let origins = old.origins().unwrap();
        let stays: Vec<usize> = (0..old.len()).filter(|row| ![2, 5].contains(&origins[*row].image)).collect();
        assert_eq!(member.bank().len(), stays.len());
        for (row, at) in stays.iter().enumerate() {
            assert_eq!(member.bank().row(row), old.row(*at));
            let origin = member.bank().origins().unwrap()[row];
            assert_eq!(renumbered[origin.image as usize], origins[*at].image);
        }
        let coverage = &without.coverage()[number];
        assert!(!coverage.is_exact && f64::from(coverage.radius) >= radius(&without, number, 0..8));
    }
    // With the photos that stay.
    let mut all = PatchCollector::new(&without);
    for (number, seed) in (0..).zip(renumbered) {
        all.add_as(number, input(&photo(u64::from(seed))), None).unwrap();
    }
    let radii: Vec<f32> = model.coverage().iter().map(|coverage| coverage.radius).collect();
    let again = without.covered_again(&all, &radii).unwrap();
    for (number, coverage) in again.coverage().iter().enumerate() {
        let measured = radius(&again, number, renumbered.into_iter().map(u64::from));
        assert!(coverage.is_exact && coverage.radius <= radii[number]);
        assert!(f64::from(coverage.radius) >= measured && f64::from(coverage.radius) <= measured * (1.0 + 1e-6));
    }
    // Forgotten, and added again.
    let back = without.extended(&collected(&without, 2..3), BankSize::Ratio(0.1), &mut |_, _| true).unwrap();
    assert!((0..2).all(|member| f64::from(back.coverage()[member].radius) >= radius(&back, member, 0..8)));
    let stopped = without.extended(&collected(&without, 2..3), BankSize::Ratio(0.1), &mut |_, _| false);
    assert_eq!(stopped.unwrap_err(), FitError::Cancelled);

    assert_eq!(model.without_photos(&[8]).unwrap_err(), FitError::NoSuchPhoto { image: 8, photos: 8 });
    assert_eq!(model.without_photos(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap_err(), FitError::NoImages);
}

#[test]
fn merged_models_cover_what_each_of_them_does() {
    let config = rules(members(), 25, None);
    let of = |photos: std::ops::Range<u64>| {
        let mut fitter = fitter(&config);
        photos.for_each(|seed| fitter.add(input(&photo(seed))).unwrap());
        fitter.finish(&mut |_, _| true).unwrap()
    };
    // Photos 3 and 4 are in both.
    let models = [of(0..5), of(3..9)];
    let photos = [vec![0, 1, 2, 3, 4], vec![3, 4, 5, 6, 7, 8]];
    let factors = |model: &PatchCore| model.config().members[1].level_scaling.factors().to_vec();
    assert_ne!(factors(&models[0]), factors(&models[1]));
    let merged = PatchCore::merged(&models, &photos, None, &mut |_, _| true).unwrap();
    assert_eq!((merged.fitted_on().images, merged.fitted_on().patches), (9, 9 * (CELLS + CELLS / 4)));
    assert_eq!(factors(&merged), factors(&models[0]));
    let mut told = Vec::new();
    let mut tell = |done, total| {
        told.push((done, total));
        true
    };
    let reduced = PatchCore::merged(&models, &photos, Some(BankSize::Rows(20)), &mut tell).unwrap();
    assert_eq!(told.last(), Some(&(40, 40)));
    assert!(told.is_sorted(), "{told:?}");
    let stopped = PatchCore::merged(&models, &photos, Some(BankSize::Rows(20)), &mut |_, _| false);
    assert_eq!(stopped.unwrap_err(), FitError::Cancelled);
    for model in [&merged, &reduced] {
        for (number, coverage) in model.coverage().iter().enumerate() {
            assert!(!coverage.is_exact && f64::from(coverage.radius) >= radius(model, number, 0..9));
            assert_eq!(coverage.patches as usize, 9 * [CELLS / 4, CELLS][number]);
        }
    }
    assert!(merged.members().iter().all(|member| member.bank().len() > 40));
    assert!(reduced.members().iter().all(|member| member.bank().len() == 20));
    // A model and itself are that model.
    let same = PatchCore::merged(
        &[models[0].clone(), models[0].clone()],
        &[photos[0].clone(), photos[0].clone()],
        None,
        &mut |_, _| true,
    );
    assert_eq!(same.unwrap().bank(), models[0].bank());

    let refused = |models: &[PatchCore], photos: &[Vec<u32>]| {
        PatchCore::merged(models, photos, None, &mut |_, _| true).unwrap_err()
    };
    assert_eq!(refused(&[], &[]), FitError::NoImages);
    for photos in
        [&photos[..1], &[vec![0, 1, 2], vec![3, 4, 5, 6, 7, 8]], &[vec![0, 1, 2, 3, 4], vec![3, 4, 5, 6, 7, 9]]]
    {
        assert!(matches!(refused(&models, photos), FitError::NotOneModel { .. }));
    }
    let other = fit(&rules(vec![blocks_member()], 25, None), 2, 1);
    assert!(matches!(
        refused(&[models[0].clone(), other], &[photos[0].clone(), vec![0, 1]]),
        FitError::NotOneModel { .. }
    ));
    assert_eq!(SIDE * SIDE, CELLS * 49);
}
