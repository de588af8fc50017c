//! From a path to weights: what the file system and the file's name can get wrong.

use std::fs;

use patchcore_config::Architecture;
use patchcore_weights::{WeightsError, load_weights, weights_files};

#[test]
fn a_missing_file_names_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let error = load_weights(&dir.path().join("resnet18.onnx"), "resnet18").unwrap_err();
    assert!(matches!(error, WeightsError::FileMissing { .. }), "{error}");
    assert!(error.to_string().contains("run `patchcore weights fetch resnet18`, or give a file of them"), "{error}");
    // The default network has no entry in the registry.
    let error = load_weights(&dir.path().join("lite0.safetensors"), "efficientnet_lite0").unwrap_err();
    let remedy = "build with the feature `embed-efficientnet-lite0`, or give a file of them";
    assert!(error.to_string().contains(remedy) && !error.to_string().contains("weights fetch"), "{error}");
}

#[test]
fn the_installed_file_comes_before_an_onnx_file() {
    let names = |backbone: &str| -> Vec<_> {
        let files = weights_files("w".as_ref(), backbone);
        files.iter().map(|path| path.display().to_string().replace('\\', "/")).collect()
    };
    assert_eq!(names("resnet18"), ["w/resnet18.safetensors", "w/resnet18.onnx"]);
    // No ONNX file of the default network is read.
    assert_eq!(names("efficientnet_lite0"), ["w/efficientnet_lite0.safetensors"]);
}

#[test]
fn an_unknown_backbone_lists_the_known_ones() {
    let error = load_weights("x.onnx".as_ref(), "resnet19").unwrap_err();
    assert!(matches!(error, WeightsError::UnknownBackbone { .. }), "{error}");
    for known in Architecture::all() {
        assert!(error.to_string().contains(known.name()), "{error}");
    }
}

#[test]
fn a_pth_names_the_converter_and_other_extensions_are_refused() {
    let error = load_weights("resnet18.pth".as_ref(), "resnet18").unwrap_err();
    assert!(error.to_string().contains("patchcore weights import resnet18 resnet18.pth"), "{error}");
    // Nothing converts a checkpoint of the default network.
    let error = load_weights("lite0.pth".as_ref(), "efficientnet_lite0").unwrap_err();
    assert!(error.to_string().ends_with("expected .onnx or .safetensors"), "{error}");
    assert!(matches!(load_weights("weights".as_ref(), "resnet18"), Err(WeightsError::UnknownFormat { .. })));
}

#[test]
fn a_folder_and_a_too_large_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("resnet18.onnx");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(load_weights(&folder, "resnet18"), Err(WeightsError::Read { .. })));
    let sparse = dir.path().join("large.onnx");
    fs::File::create(&sparse).unwrap().set_len((1 << 30) + 1).unwrap();
    assert!(matches!(load_weights(&sparse, "resnet18"), Err(WeightsError::TooLarge { .. })));
}

#[test]
fn a_text_file_called_onnx_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("resnet18.onnx");
    fs::write(&path, "404: Not Found").unwrap();
    let error = load_weights(&path, "resnet18").unwrap_err();
    assert!(matches!(error, WeightsError::NotOnnx { .. }), "{error}");
}

#[test]
fn an_altered_file_does_not_pass_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("resnet18.onnx");
    fs::write(&path, "any bytes").unwrap();
    let manifest = |digest: &str| {
        fs::write(
            dir.path().join("resnet18.json"),
            format!(r#"{{"result": {{"location": "resnet18.onnx", "sha256": "{digest}"}}}}"#),
        )
        .unwrap();
    };
    manifest("00");
    let error = load_weights(&path, "resnet18").unwrap_err();
    assert!(matches!(error, WeightsError::Digest { .. }), "{error}");
    assert!(error.to_string().contains("--force"), "{error}");
    // The right digest passes on to the reader.
    manifest("23914a83c3c7080988b4aab957e8c1abf4a281df9cc77c7e1d43d3e81f39e94e");
    assert!(matches!(load_weights(&path, "resnet18"), Err(WeightsError::NotOnnx { .. })));
    // A JSON file of another purpose is none of our business.
    fs::write(dir.path().join("resnet18.json"), "[1, 2]").unwrap();
    assert!(matches!(load_weights(&path, "resnet18"), Err(WeightsError::NotOnnx { .. })));
}
