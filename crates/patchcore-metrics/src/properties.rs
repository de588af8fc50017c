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
