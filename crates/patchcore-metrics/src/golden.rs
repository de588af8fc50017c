//! The metrics against golden values from scikit-learn and the published AUPRO codes, when `../shared` is there.

use patchcore_testing::{Golden, shared};
use serde_json::Value;

use super::*;

/// The arrays, and the values that the published codes computed from them.
fn golden() -> Option<(Golden, Value)> {
    let (arrays, expected) = (Golden::open("metrics")?, shared("golden/expected.json")?);
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    Some((arrays, expected["metrics"].clone()))
}

fn assert_close(what: &str, found: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{what}: found {found}, expected {expected}");
}

#[test]
fn image_metrics_equal_scikit_learn() {
    let Some((arrays, expected)) = golden() else { return };
    let scores = arrays.f32("image_scores");
    let labels: Vec<bool> = arrays.indices("image_labels").iter().map(|label| *label != 0).collect();

    let found = image_metrics(&scores, &labels).unwrap();
    let expected = &expected["image"];
    assert_close("auroc", found.auroc, &expected["auroc"], 1e-9);
    assert_close("ap", found.ap, &expected["ap"], 1e-9);
    assert_close("f1_max", found.f1_max.f1, &expected["f1max"], 1e-9);
    assert_close("f1_max threshold", f64::from(found.f1_max.threshold), &expected["f1max_threshold"], 1e-9);

    let curve = roc_curve(&scores, &labels).unwrap();
    for (found, name) in [(&curve.fpr, "image_roc_fpr"), (&curve.tpr, "image_roc_tpr")] {
        let expected = arrays.f64(name);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-9), "{name}");
    }
}

#[test]
fn pixel_metrics_equal_the_published_implementations() {
    let Some((arrays, expected)) = golden() else { return };
    let masks: Vec<bool> = arrays.u8("masks").iter().map(|&byte| byte != 0).collect();

    for (array, name) in [("maps_continuous", "continuous"), ("maps_quantized_ties", "quantized_ties")] {
        let scores = arrays.f32(array);
        let (width, height) = (64, 64);
        let maps: Vec<_> = scores
            .chunks(width * height)
            .zip(masks.chunks(width * height))
            .map(|(scores, mask)| LabelledMap {
                width,
                height,
                scores,
                mask: mask.contains(&true).then_some(mask),
                inside: None,
            })
            .collect();
        let found = pixel_metrics(&maps).unwrap();
        let expected = &expected[name];
        assert_close("auroc", found.auroc, &expected["sklearn_pixel_auroc"], 1e-9);
        assert_close("ap", found.ap, &expected["sklearn_pixel_ap"], 1e-9);
        assert_close("f1_max", found.f1_max.f1, &expected["sklearn_pixel_f1max"][0], 1e-9);
        assert_close("threshold", f64::from(found.f1_max.threshold), &expected["sklearn_pixel_f1max"][1], 1e-9);
        assert_eq!(Some(found.n_regions), expected["mine"]["regions"].as_u64());
        assert_close("aupro_05", found.aupro_05, &expected["pro_0.05"], 1e-6);
        assert_close("aupro_30", found.aupro_30, &expected["pro_0.3"], 1e-6);
        assert_close("aupro_30 of anomalib", found.aupro_30, &expected["anomalib_aupro_0p3"], 1e-6);
        assert_close("aupro at 1", aupro(&maps, &[1.0]).unwrap()[0], &expected["pro_1.0"], 1e-6);
    }
}
