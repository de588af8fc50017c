//! Every replicate equals the plain metric of the images that it drew, repeated; intervals cover what they should.

use std::ops::ControlFlow;

use proptest::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::super::overlap_events::OverlapEvents;
use super::super::properties::{borrow, bounds, inside_of, labelled, maps, regions_of_interest, with_inside};
use super::super::{LabelledMap, Metric, MetricError, auroc, image_metrics_at, oracle, pixel_metrics_at};
use super::{
    Bootstrap, image_replicates, image_replicates_at, pixel_replicates, pixel_replicates_at, pixel_replicates_telling,
};

const AUROC: Metric = Metric::IMAGE_AUROC;
const FEW: Bootstrap = Bootstrap { resamples: 11, confidence: 0.9, seed: 3 };

fn repeated<T: Clone>(values: &[T], weights: &[u32]) -> Vec<T> {
    let repeat = |(value, weight): (&T, &u32)| std::iter::repeat_n(value.clone(), *weight as usize);
    values.iter().zip(weights).flat_map(repeat).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn image_replicates_are_metrics_of_repeated_images((scores, labels) in labelled(), threshold in -2.0_f32..2.0) {
        let threshold = Some(threshold);
        let replicates = image_replicates_at(threshold, &scores, &labels, &FEW).unwrap();
        for (weights, value) in replicates.weights_and_values() {
            let drawn = labels.iter().zip(&weights).filter(|(label, _)| **label).map(|(_, weight)| weight).sum::<u32>();
            prop_assert_eq!(drawn as usize, labels.iter().filter(|label| **label).count(), "not stratified");
            let (scores, labels) = (repeated(&scores, &weights), repeated(&labels, &weights));
            let expected = image_metrics_at(threshold, &scores, &labels).unwrap();
            let value = value.unwrap();
            prop_assert!((value.auroc - expected.auroc).abs() < 1e-12, "{value:?} {expected:?}");
            prop_assert!((value.ap - expected.ap).abs() < 1e-12, "{value:?} {expected:?}");
            prop_assert!((value.f1_max - expected.f1_max.f1).abs() < 1e-12, "{value:?} {expected:?}");
            prop_assert_eq!(value.f1, expected.f1);
        }
    }

    #[test]
    fn areas_of_weighted_overlaps_are_those_of_repeated_maps(
        maps in maps(),
        inside in regions_of_interest(),
        bounds in bounds(),
        weights in prop::collection::vec(0_u32..4, 5),
        deep in any::<bool>(),
    ) {
        let maps = borrow(&maps);
        let own = inside_of(&maps, &inside);
        let maps = with_inside(&maps, &own);
        let weights = &weights[..maps.len()];
        let events = OverlapEvents::new(&maps, if deep { 1.0 } else { bounds[1] });
        let expected = oracle::aupimo(&repeated(&maps, weights), bounds);
        match (events.mean_area(weights, bounds), expected) {
            (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-10, "{found} {expected}"),
            (None, None) => {}
            // The weights of the highest good images are too small for so few events.
            (None, Some(_)) => prop_assert!(!deep && !events.reach(weights, bounds[1])),
            (Some(_), None) => prop_assert!(false, "{weights:?}"),
        }
    }

    #[test]
    fn pixel_replicates_are_metrics_of_repeated_maps(
        maps in maps(),
        inside in regions_of_interest(),
        threshold in -2.0_f32..2.0,
    ) {
        let maps = borrow(&maps);
        let own = inside_of(&maps, &inside);
        // Of every other map a part is outside.
        let own: Vec<_> = own.into_iter().enumerate().map(|(map, own)| own.filter(|_| map % 2 == 0)).collect();
        let maps = with_inside(&maps, &own);
        let threshold = Some(threshold);
        let Ok(replicates) = pixel_replicates_at(threshold, &maps, &FEW) else {
            prop_assert!(pixel_metrics_at(threshold, &maps).is_err());
            return Ok(());
        };
        for (weights, value) in replicates.weights_and_values() {
            // A resample of whole-defect images alone has no normal pixel.
            match (value, pixel_metrics_at(threshold, &repeated(&maps, &weights))) {
                (Some(value), Ok(expected)) => {
                    prop_assert!((value.auroc - expected.auroc).abs() < 1e-12, "{value:?} {expected:?}");
                    prop_assert!((value.ap - expected.ap).abs() < 1e-12, "{value:?} {expected:?}");
                    prop_assert!((value.f1_max - expected.f1_max.f1).abs() < 1e-12, "{value:?} {expected:?}");
                    prop_assert!((value.aupro_30 - expected.aupro_30).abs() < 1e-10, "{value:?} {expected:?}");
                    prop_assert!((value.aupro_05 - expected.aupro_05).abs() < 1e-10, "{value:?} {expected:?}");
                    let regions = expected.region_recall.unwrap();
                    prop_assert!((value.region_recall.unwrap() - regions.overlap).abs() < 1e-12, "{value:?} {regions:?}");
                    prop_assert!((value.regions_found.unwrap() - regions.found).abs() < 1e-12, "{value:?} {regions:?}");
                    // So few pixels resolve no rate of 1e-5.
                    prop_assert!(value.aupimo.is_none() && expected.aupimo.is_err());
                }
                (None, Err(MetricError::OneClass { .. } | MetricError::Empty)) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

fn uniform(random: &mut Pcg64) -> f32 {
    (random.next_u64() >> 40) as f32 / (1_u32 << 24) as f32
}

#[test]
fn intervals_cover_the_true_auroc_about_as_often_as_they_say() {
    // Normal scores uniform on [0, 1), anomalous ones on [0.5, 1.5): the true AUROC is 1 - 0.5²/2 = 0.875.
    let mut random = Pcg64::seed_from_u64(11);
    let labels: Vec<bool> = (0..100).map(|index| index % 2 == 0).collect();
    let bootstrap = Bootstrap { resamples: 400, ..Bootstrap::default() };
    let covered = (0..400).filter(|_| {
        let score = |label: &bool| uniform(&mut random) + if *label { 0.5 } else { 0.0 };
        let scores: Vec<f32> = labels.iter().map(score).collect();
        image_replicates(&scores, &labels, &bootstrap)
            .unwrap()
            .intervals()
            .unwrap()
            .get(&AUROC)
            .unwrap()
            .contains(0.875)
    });
    let share = covered.count() as f64 / 400.0;
    assert!((0.91..0.985).contains(&share), "{share}");
}

#[test]
fn differences_are_paired() {
    let mut random = Pcg64::seed_from_u64(2);
    let labels: Vec<bool> = (0..60).map(|index| index % 3 == 0).collect();
    let score = |label: &bool| uniform(&mut random) + if *label { 0.4 } else { 0.0 };
    let first: Vec<f32> = labels.iter().map(score).collect();
    // The same ranking but for a little noise: apart the intervals are wide, as pairs they are narrow.
    let second: Vec<f32> = first.iter().map(|score| score + uniform(&mut random) * 0.02).collect();
    let bootstrap = Bootstrap::default();
    let [a, b] = [&first, &second].map(|scores| image_replicates(scores, &labels, &bootstrap).unwrap());
    let [alone, paired] = [a.intervals(), a.difference(&b)].map(|all| all.unwrap().get(&AUROC).unwrap());
    assert!(paired.high - paired.low < 0.2 * (alone.high - alone.low), "{alone:?} {paired:?}");
    assert!(paired.contains(auroc(&first, &labels).unwrap() - auroc(&second, &labels).unwrap()));
    let itself = a.difference(&a).unwrap().get(&Metric::IMAGE_AP).unwrap();
    assert_eq!((itself.low, itself.high), (0.0, 0.0));

    let other_seed = image_replicates(&first, &labels, &Bootstrap { seed: 1, ..bootstrap }).unwrap();
    assert_eq!(a.difference(&other_seed), Err(MetricError::NotPaired));
    let other_labels: Vec<bool> = labels.iter().map(|label| !label).collect();
    let other_labels = image_replicates(&first, &other_labels, &bootstrap).unwrap();
    assert_eq!(a.difference(&other_labels), Err(MetricError::NotPaired));
}

#[test]
fn the_seed_decides_and_wrong_settings_are_refused() {
    let (scores, labels) = ([1.0, 2.0, 3.0, 4.0, 5.0], [false, true, false, true, true]);
    let with = |seed| image_replicates(&scores, &labels, &Bootstrap { seed, ..Bootstrap::default() }).unwrap();
    assert_eq!(with(4), with(4));
    assert_ne!(with(4), with(5));
    let refused = |bootstrap: Bootstrap| image_replicates(&scores, &labels, &bootstrap).unwrap_err();
    assert_eq!(refused(Bootstrap { resamples: 0, ..FEW }), MetricError::NoResamples);
    assert_eq!(refused(Bootstrap { confidence: 1.0, ..FEW }), MetricError::InvalidConfidence { confidence: 1.0 });
    let good = LabelledMap { width: 2, height: 1, scores: &[0.0, f32::NAN], mask: None, inside: None };
    assert!(matches!(pixel_replicates(&[good], &FEW), Err(MetricError::NonFiniteScore { map: Some(0), .. })));
    let good = LabelledMap { scores: &[0.0, 1.0], ..good };
    let refused = pixel_replicates(&[good], &FEW);
    assert_eq!(refused, Err(MetricError::OneClass { n_normal: 2, n_anomalous: 0 }));
}

#[test]
fn a_perfect_detector_has_an_interval_without_width() {
    let replicates = image_replicates(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true], &FEW).unwrap();
    let auroc = replicates.intervals().unwrap().get(&AUROC).unwrap();
    assert_eq!((auroc.low, auroc.high), (1.0, 1.0));
}

#[test]
fn who_is_told_hears_all_resamples_and_can_stop_them() {
    let scores: Vec<f32> = (0..64).map(|pixel| ((pixel * 37) % 64) as f32).collect();
    let mask: Vec<bool> = (0..32).map(|pixel| pixel % 5 == 0).collect();
    let (good, bad) = scores.split_at(32);
    let map = |scores, mask| LabelledMap { scores, mask, inside: None, width: 8, height: 4 };
    let maps = [map(good, None), map(bad, Some(mask.as_slice()))];
    let many = Bootstrap { resamples: 1000, ..FEW };
    let mut heard = Vec::new();
    let told = pixel_replicates_telling(None, &maps, &many, &mut |done, total| {
        heard.push((done, total));
        ControlFlow::Continue(())
    });
    assert_eq!(told.unwrap(), Some(pixel_replicates(&maps, &many).unwrap()));
    assert_eq!((heard.first(), heard.last()), (Some(&(0, 1000)), Some(&(1000, 1000))));
    assert!(heard.is_sorted() && heard.len() > 2, "{heard:?}");
    let stop_at = |calls: usize| {
        let mut left = calls;
        pixel_replicates_telling(None, &maps, &many, &mut |_, _| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    };
    assert_eq!((stop_at(1), stop_at(2)), (Ok(None), Ok(None)));
}
