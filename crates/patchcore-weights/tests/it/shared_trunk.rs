//! The real ResNet-18 trunk of the shared folder.

use std::env;
use std::path::PathBuf;

use patchcore_weights::{WeightsError, load_weights};

/// SHA-256 over name, shape and values in name order, taken from the same file by Python's `onnx` package.
const DIGEST: &str = "5e77dfeb4d3f650acb70a552b9d93a407897da11a1d0bc58b3c9e1275efdefb5";

fn trunk() -> Option<PathBuf> {
    let shared = env::var_os("PATCHCORE_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = shared.join("weights/resnet18-imagenet1k-v1-trunk.onnx");
    if !path.is_file() {
        eprintln!("skipped: no ../shared");
        return None;
    }
    Some(path)
}

#[test]
fn the_real_trunk_is_bit_identical_to_pythons_reader() {
    let Some(path) = trunk() else { return };
    let weights = load_weights(&path, "resnet18").unwrap();
    assert_eq!(weights.tensors.len(), 30);
    assert_eq!(weights.sha256(), DIGEST);
}

#[test]
fn the_real_trunk_is_no_other_network() {
    let Some(path) = trunk() else { return };
    for other in ["resnet34", "resnet50", "wide_resnet101_2"] {
        let error = load_weights(&path, other).unwrap_err();
        assert!(error.to_string().contains("looks like resnet18"), "{error}");
        assert!(matches!(error, WeightsError::TensorMissing { .. } | WeightsError::Shape { .. }), "{error}");
    }
}
