//! The fast metrics equal their oracles, on random input with and without ties. Tests only.

use proptest::prelude::*;

use super::*;

/// Scores with many ties, few ties or none to speak of, of both signs.
fn score() -> impl Strategy<Value = f32> {
    prop_oneof![
        (-3_i8..4).prop_map(|v| f32::from(v) / 4.0),
        (-40_i8..40).prop_map(|v| f32::from(v) / 10.0),
        -1e3_f32..1e3,
        Just(-0.0_f32),
    ]
}

/// One image's score and label, with both classes present.
pub(super) fn labelled() -> impl Strategy<Value = (Vec<f32>, Vec<bool>)> {
    prop::collection::vec((score(), any::<bool>()), 2..60)
        .prop_map(|entries| entries.into_iter().unzip())
        .prop_filter("both classes", |(_, labels): &(Vec<f32>, Vec<bool>)| {
            labels.contains(&true) && labels.contains(&false)
        })
}

pub(super) type OwnedMap = (usize, usize, Vec<f32>, Option<Vec<bool>>);

/// Maps of different sizes, some without a mask.
pub(super) fn maps() -> impl Strategy<Value = Vec<OwnedMap>> {
    let map = (1_usize..9, 1_usize..9).prop_flat_map(|(width, height)| {
        let pixels = width * height;
        let mask = prop::option::weighted(0.8, prop::collection::vec(prop::bool::weighted(0.35), pixels));
        (Just(width), Just(height), prop::collection::vec(score(), pixels), mask)
    });
    prop::collection::vec(map, 1..5).prop_filter("both classes", |maps| {
        let mut pixels =
            maps.iter().flat_map(|(_, _, scores, mask)| mask.clone().unwrap_or_else(|| vec![false; scores.len()]));
        let first = pixels.next();
        pixels.any(|pixel| Some(pixel) != first)
    })
}

pub(super) fn borrow(maps: &[OwnedMap]) -> Vec<LabelledMap<'_>> {
    maps.iter()
        .map(|(width, height, scores, mask)| LabelledMap {
            width: *width,
            height: *height,
            scores,
            mask: mask.as_deref(),
            inside: None,
        })
        .collect()
}

/// Which of the pixels count, of maps whose number and sizes are not known yet; `None`: all of them.
pub(super) fn regions_of_interest() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(any::<u64>())
}

pub(super) fn inside_of(maps: &[LabelledMap<'_>], bits: &Option<u64>) -> Vec<Option<Vec<bool>>> {
    let counts = |bits: &u64, map: usize, pixel: usize| (bits >> ((7 * map + pixel) % 61)) & 6 != 6;
    let inside = |(number, map): (usize, &LabelledMap<'_>)| {
        let bits = bits.as_ref()?;
        Some((0..map.scores.len()).map(|pixel| counts(bits, number, pixel)).collect())
    };
    maps.iter().enumerate().map(inside).collect()
}

pub(super) fn with_inside<'a>(maps: &[LabelledMap<'a>], inside: &'a [Option<Vec<bool>>]) -> Vec<LabelledMap<'a>> {
    maps.iter().zip(inside).map(|(map, inside)| LabelledMap { inside: inside.as_deref(), ..*map }).collect()
}

/// Rates that maps of a few pixels resolve, or not.
pub(super) fn bounds() -> impl Strategy<Value = [f64; 2]> {
    prop_oneof![Just([0.25, 0.5]), Just([0.5, 1.0]), (0.01_f64..0.5, 0.001_f64..0.5).prop_map(|(a, b)| [a, a + b])]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn detection_equals_the_oracle((scores, labels) in labelled()) {
        let metrics = image_metrics(&scores, &labels).unwrap();
        prop_assert!((metrics.auroc - oracle::auroc(&scores, &labels)).abs() < 1e-12);
        prop_assert!((metrics.ap - oracle::average_precision(&scores, &labels)).abs() < 1e-12);
        prop_assert!((metrics.f1_max.f1 - oracle::f1_max(&scores, &labels)).abs() < 1e-12);
        prop_assert!((oracle::f1_at(&scores, &labels, metrics.f1_max.threshold) - metrics.f1_max.f1).abs() < 1e-12);
        let (precision, recall) = (metrics.f1_max.precision, metrics.f1_max.recall);
        prop_assert!((2.0 * precision * recall / (precision + recall) - metrics.f1_max.f1).abs() < 1e-12);
        prop_assert_eq!(metrics.auroc, auroc(&scores, &labels).unwrap());
        prop_assert_eq!(metrics.ap, average_precision(&scores, &labels).unwrap());
        prop_assert_eq!(metrics.f1_max, f1_max(&scores, &labels).unwrap());
        prop_assert_eq!((metrics.n_normal + metrics.n_anomalous) as usize, scores.len());
    }

    #[test]
    fn the_roc_curve_equals_the_oracle((scores, labels) in labelled()) {
        let curve = roc_curve(&scores, &labels).unwrap();
        let points: Vec<_> = curve.fpr.iter().zip(&curve.tpr).zip(&curve.thresholds).map(|((f, t), s)| (*f, *t, *s)).collect();
        prop_assert_eq!(points, oracle::roc_curve(&scores, &labels));
    }

    #[test]
    fn order_does_not_matter((scores, labels) in labelled()) {
        let reversed: (Vec<f32>, Vec<bool>) = scores.iter().copied().zip(labels.iter().copied()).rev().unzip();
        prop_assert_eq!(image_metrics(&scores, &labels), image_metrics(&reversed.0, &reversed.1));
    }

    #[test]
    fn localisation_equals_the_oracle(maps in maps(), limit in prop_oneof![Just(0.3), Just(1.0), 0.01_f64..1.0]) {
        let maps = borrow(&maps);
        let scores: Vec<f32> = maps.iter().flat_map(|map| map.scores.iter().copied()).collect();
        let labels: Vec<bool> = maps
            .iter()
            .flat_map(|map| map.mask.map_or_else(|| vec![false; map.scores.len()], <[bool]>::to_vec))
            .collect();
        let metrics = pixel_metrics(&maps).unwrap();
        prop_assert!((metrics.auroc - oracle::auroc(&scores, &labels)).abs() < 1e-12);
        prop_assert!((metrics.ap - oracle::average_precision(&scores, &labels)).abs() < 1e-12);
        prop_assert!((metrics.f1_max.f1 - oracle::f1_max(&scores, &labels)).abs() < 1e-12);
        prop_assert!((metrics.aupro_30 - oracle::aupro(&maps, 0.3)).abs() < 1e-12);
        prop_assert!((metrics.aupro_05 - oracle::aupro(&maps, 0.05)).abs() < 1e-12);
        prop_assert!((aupro(&maps, &[limit]).unwrap()[0] - oracle::aupro(&maps, limit)).abs() < 1e-12);
    }

    #[test]
    fn the_areas_of_the_overlaps_equal_the_oracle(maps in maps(), inside in regions_of_interest(), bounds in bounds()) {
        let maps = borrow(&maps);
        let own = inside_of(&maps, &inside);
        let maps = with_inside(&maps, &own);
        let pimo = oracle::pimo(&maps);
        let smallest = pimo.iter().flatten().map(|(rate, _)| *rate).find(|rate| *rate > 0.0);
        match (aupimo(&maps, bounds), smallest) {
            (Ok(found), Some(smallest)) => {
                prop_assert!(smallest <= bounds[0] * (1.0 + 1e-9));
                prop_assert!((found.mean - oracle::aupimo(&maps, bounds).unwrap()).abs() < 1e-10, "{found:?}");
                for (map, own) in maps.iter().zip(&found.images) {
                    // Beside the good ones each image is a set of its own.
                    let good = maps.iter().zip(&found.images).filter(|(_, area)| area.is_none()).map(|(map, _)| *map);
                    let alone: Vec<LabelledMap<'_>> = good.chain(own.map(|_| *map)).collect();
                    let expected = oracle::aupimo(&alone, bounds);
                    prop_assert!((own.unwrap_or(2.0) - expected.unwrap_or(2.0)).abs() < 1e-10, "{own:?} {expected:?}");
                }
            }
            (Err(MetricError::UnresolvedRate { smallest: found, .. }), Some(smallest)) => {
                prop_assert!(smallest > bounds[0] && (found - smallest).abs() < 1e-12, "{found} {smallest}");
            }
            (Err(MetricError::OneClass { .. } | MetricError::Empty), None) => {}
            other => prop_assert!(false, "{other:?}"),
        }
        if let Ok(curve) = pimo_curve(&maps, 1.0, 0.0) {
            // The points of the oracle's curve lie on it, and its own on the oracle's.
            for (rate, overlaps) in pimo.iter().flatten().filter(|(rate, _)| *rate > 0.0) {
                let mean = overlaps.iter().sum::<f64>() / overlaps.len() as f64;
                let near = |point: &[f64; 2]| (point[0] - rate.log10()).abs() < 1e-9 && (point[1] - mean).abs() < 1e-9;
                let steps_over = curve.windows(2).any(|pair| {
                    (pair[0][0] - rate.log10()).abs() < 1e-9 && (pair[1][0] - rate.log10()).abs() < 1e-9
                        && pair[0][1] <= mean && mean <= pair[1][1]
                });
                prop_assert!(curve.iter().any(near) || steps_over, "{rate} {mean} {curve:?}");
            }
        }
    }

    #[test]
    fn regions_at_a_threshold_equal_the_oracle(maps in maps(), threshold in score()) {
        let maps = borrow(&maps);
        let found = region_recall(&maps, threshold).ok().map(|found| (found.overlap, found.found));
        let expected = oracle::region_recall(&maps, threshold);
        let near = |(a, b): ((f64, f64), (f64, f64))| (a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12;
        prop_assert!(found.is_some() == expected.is_some() && found.zip(expected).is_none_or(near), "{found:?} {expected:?}");
    }

    #[test]
    fn the_areas_of_the_curves_are_the_metrics((scores, labels) in labelled(), maps in maps()) {
        let mut before = 0.0;
        let steps = |[recall, precision]: [f64; 2]| (recall - std::mem::replace(&mut before, recall)) * precision;
        let area: f64 = pr_curve(&scores, &labels, 0.0).unwrap().into_iter().map(steps).sum();
        prop_assert!((area - average_precision(&scores, &labels).unwrap()).abs() < 1e-12);

        let maps = borrow(&maps);
        let area = |curve: &[[f64; 2]]| -> f64 {
            curve.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0).sum()
        };
        let exact = aupro(&maps, &[1.0]).unwrap()[0];
        prop_assert!((area(&pro_curve(&maps, 0.0).unwrap()) - exact).abs() < 1e-12);
        // A thinned monotone curve stays in a band of the resolution on both sides.
        prop_assert!((area(&pro_curve(&maps, 0.02).unwrap()) - exact).abs() < 0.04);
    }

    #[test]
    fn regions_equal_a_flood_fill((width, height, mask) in (0_usize..14, 0_usize..14).prop_flat_map(|(w, h)| {
        (Just(w), Just(h), prop::collection::vec(any::<bool>(), w * h))
    })) {
        let regions = connected_regions(&mask, width, height).unwrap();
        let expected = oracle::regions(&mask, width, height);
        prop_assert_eq!(&regions.sizes, &expected.iter().map(|region| region.len() as u32).collect::<Vec<_>>());
        for (number, region) in expected.iter().enumerate() {
            prop_assert!(region.iter().all(|&pixel| regions.labels[pixel] == number as u32 + 1));
        }
        prop_assert!(mask.iter().zip(&regions.labels).all(|(&inside, &label)| inside == (label != 0)));
    }
}
