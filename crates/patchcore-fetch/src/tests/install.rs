//! From a source to an installed file, for a ResNet-18 of made-up numbers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::registry::{Registry, RegistryEntry};
use patchcore_config::{Architecture, BackboneWeights, NamedTensor};
use patchcore_weights::{Rounding, encode_safetensors, import_known_safetensors};

use super::server::{Answer, Server};
use super::{fixture, written};
use crate::digest::sha256_hex;
use crate::error::FetchError;
use crate::install::{Install, Installed};
use crate::manifest::Manifest;
use crate::source::Source;

fn entry(name: &str) -> RegistryEntry {
    Registry::shipped().unwrap().get(name).unwrap().clone()
}

/// A ResNet-18 up to `last_layer`, of numbers that f16 does not have.
fn resnet18(last_layer: usize) -> BackboneWeights {
    let plan = Architecture::RESNET18.entry().plan_of_levels(last_layer);
    let tensors = plan.expected_tensors().into_iter().map(|(name, shape)| {
        let count: usize = shape.iter().product();
        let is_bias = shape.len() == 1;
        let data = (0..count).map(|index| if is_bias { 0.5 } else { (index % 17) as f32 / 30.0 - 0.2 }).collect();
        (name, NamedTensor { shape, data })
    });
    BackboneWeights { tensors: tensors.collect() }
}

fn install(folder: &Path) -> Install<'_> {
    Install {
        directory: folder,
        last_layer: None,
        unverified: false,
        force: false,
        pause: Duration::ZERO,
        progress: &|_, _| {},
    }
}

fn run(folder: &Path, from: &str, change: impl Fn(&mut Install<'_>)) -> Result<Installed, FetchError> {
    let mut install = install(folder);
    change(&mut install);
    install.run(&entry("resnet18"), (!from.is_empty()).then_some(from))
}

/// What `weights fetch resnet18` does, with the published file at another address.
fn run_from_registry(folder: &Path, base: &str) -> Result<Installed, FetchError> {
    let entry = RegistryEntry { url: format!("{base}/resnet18.pth"), ..entry("resnet18") };
    install(folder).run(&entry, None)
}

#[test]
fn every_container_of_the_same_tensors_is_installed_as_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = resnet18(3);
    let expected = encode_safetensors(&tensors, Rounding::None).unwrap();
    for (file, bytes) in [
        ("mine.pth", written::pth(&tensors)),
        ("mine.onnx", written::onnx(&tensors)),
        ("mine.safetensors", expected.clone()),
    ] {
        let source = folder.path().join(file);
        fs::write(&source, bytes).unwrap();
        let target = folder.path().join(format!("from {file}"));
        let installed = run(&target, source.to_str().unwrap(), |install| install.unverified = true).unwrap();
        assert_eq!(installed.path, target.join("resnet18.safetensors"));
        assert!(fs::read(&installed.path).unwrap() == expected, "{file}");
        let back = import_known_safetensors("resnet18", file, &expected).unwrap();
        assert!(back == tensors, "{file}");
    }
}

#[test]
fn a_file_is_installed_with_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("mine.onnx");
    let bytes = written::onnx(&resnet18(4));
    fs::write(&source, &bytes).unwrap();
    let target = folder.path().join("cache");
    let installed = run(&target, source.to_str().unwrap(), |_| {}).unwrap();
    let written = fs::read(&installed.path).unwrap();
    let tensors = import_known_safetensors("resnet18", "w", &written).unwrap();
    assert!(tensors == resnet18(3), "what lies behind layer3 is left out, the rest is as it was");
    let manifest: Manifest = serde_json::from_str(&fs::read_to_string(target.join("resnet18.json")).unwrap()).unwrap();
    assert_eq!((manifest.last_layer.as_str(), &manifest.version), ("layer3", &None));
    assert_eq!((manifest.source.bytes, &manifest.source.sha256), (bytes.len() as u64, &sha256_hex(&bytes)));
    assert_eq!(
        (manifest.result.location.as_str(), &manifest.result.sha256),
        ("resnet18.safetensors", &sha256_hex(&written))
    );
    // What is there and intact is not fetched again; what was altered is.
    assert!(run(&target, "", |_| {}).unwrap().already);
    fs::write(&installed.path, "altered").unwrap();
    let server = Server::start(Vec::new(), &[Answer::Status(404)]);
    let error = run_from_registry(&target, &server.base).unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 404, .. }), "{error}");
    let all = run(&target, source.to_str().unwrap(), |install| install.last_layer = Some("layer4")).unwrap();
    assert_eq!(all.manifest.last_layer, "layer4");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 2);
}

#[test]
fn a_layer_of_another_network_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, layer, known) in
        [("resnet18", "denseblock3", "layer3 or layer4"), ("densenet201", "layer3", "denseblock3 or denseblock4")]
    {
        let install = Install { last_layer: Some(layer), ..install(folder.path()) };
        let error = install.run(&entry(name), Some("no such file.pth")).unwrap_err();
        assert!(matches!(error, FetchError::UnknownLayer { .. }), "{error}");
        assert!(error.to_string().ends_with(&format!("`{layer}`: expected {known}")), "{error}");
    }
}

#[test]
fn an_onnx_file_of_an_earlier_version_stays_installed() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("mine.safetensors");
    fs::write(&source, encode_safetensors(&resnet18(3), Rounding::None).unwrap()).unwrap();
    let target = folder.path().join("cache");
    let mut manifest = run(&target, source.to_str().unwrap(), |_| {}).unwrap().manifest;
    fs::remove_file(target.join("resnet18.safetensors")).unwrap();
    let onnx = written::onnx(&resnet18(3));
    fs::write(target.join("resnet18.onnx"), &onnx).unwrap();
    (manifest.result.location, manifest.result.sha256) = ("resnet18.onnx".into(), sha256_hex(&onnx));
    fs::write(target.join("resnet18.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
    let installed = run(&target, "", |_| {}).unwrap();
    assert!(installed.already);
    assert_eq!(installed.path, target.join("resnet18.onnx"));
    // A file that the library takes before it is not the manifest's.
    fs::write(target.join("resnet18.safetensors"), "a user's own").unwrap();
    let server = Server::start(Vec::new(), &[Answer::Status(404)]);
    let error = run_from_registry(&target, &server.base).unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 404, .. }), "{error}");
}

#[test]
fn a_remote_onnx_file_and_a_mirror_work() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(written::onnx(&resnet18(3)), &[Answer::CutAfter(1_000_000), Answer::Honest]);
    run(folder.path(), &format!("{}/trunk.onnx?token=1", server.base), |_| {}).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the download is removed");
    let mirror = Source::of(&entry("resnet18"), Some("http://mirror/models/")).unwrap();
    assert_eq!(mirror, Source::Url("http://mirror/models/resnet18-f37072fd.pth".into()));
}

#[test]
fn a_checkpoint_that_is_not_the_published_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("resnet18.pth");
    fs::write(&source, fixture("basic_zip.pth")).unwrap();
    let target = folder.path().join("cache");
    let error = run(&target, source.to_str().unwrap(), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::OtherCheckpoint { .. }), "{error}");
    assert!(error.to_string().contains("--unverified"), "{error}");
    // On purpose it is read, and then found to be another network.
    let error = run(&target, source.to_str().unwrap(), |install| install.unverified = true).unwrap_err();
    assert!(matches!(error, FetchError::Weights(_)), "{error}");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
}

#[test]
fn a_mirror_with_garbage_leaves_the_earlier_installation() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("resnet18.safetensors"), "earlier").unwrap();
    let server = Server::start(vec![1; 5_000], &[Answer::Garbage]);
    let error = run(folder.path(), &format!("{}/", server.base), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::Digest { .. }), "{error}");
    assert_eq!(fs::read(folder.path().join("resnet18.safetensors")).unwrap(), b"earlier");
    assert!(folder.path().join("resnet18.download.resnet18-f37072fd.pth.rejected").exists());
}

#[test]
fn a_folder_is_searched_for_the_backbone() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().to_str().unwrap();
    let of = |name: &str| Source::of(&entry(name), Some(from));
    let error = of("resnet50").unwrap_err();
    assert!(error.to_string().contains("resnet50-0676ba61.pth, or resnet50.EXT or resnet50-*.EXT"), "{error}");
    for file in ["wide_resnet50_2.onnx", "resnet50-own.safetensors", "resnet50.txt", "resnet501.onnx"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    assert_eq!(of("resnet50").unwrap(), Source::File(folder.path().join("resnet50-own.safetensors")));
    // Each of these goes before the ones above it.
    for file in ["resnet50.onnx", "resnet50.safetensors", "resnet50.pth", "resnet50-0676ba61.pth"] {
        fs::write(folder.path().join(file), "").unwrap();
        assert_eq!(of("resnet50").unwrap(), Source::File(folder.path().join(file)));
    }
}

#[test]
fn odd_sources_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    for (from, part) in [("weights.zip", "unknown extension"), ("gone.onnx", "cannot read gone.onnx")] {
        let error = run(folder.path(), from, |_| {}).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_target_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    fs::write(&file, "").unwrap();
    let error = run(&file.join("cache"), "x.onnx", |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::File { action: "create", .. }), "{error}");
}
