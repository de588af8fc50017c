//! The real ResNet-18 trunk of the shared folder.

use patchcore_testing::resnet18;
use patchcore_weights::{WeightsError, load_weights};

/// SHA-256 over name, shape and values in name order, taken from the same file by Python's `onnx` package.
const DIGEST: &str = "5e77dfeb4d3f650acb70a552b9d93a407897da11a1d0bc58b3c9e1275efdefb5";

#[test]
fn the_real_trunk_is_bit_identical_to_pythons_reader() {
    let Some(path) = resnet18() else { return };
    let weights = load_weights(&path, "resnet18").unwrap();
    assert_eq!(weights.tensors.len(), 30);
    assert_eq!(weights.sha256(), DIGEST);
}

#[test]
fn the_real_trunk_is_no_other_network() {
    let Some(path) = resnet18() else { return };
    for other in ["resnet34", "resnet50", "wide_resnet101_2"] {
        let error = load_weights(&path, other).unwrap_err();
        assert!(error.to_string().contains("looks like resnet18"), "{error}");
        assert!(matches!(error, WeightsError::TensorMissing { .. } | WeightsError::Shape { .. }), "{error}");
    }
}
