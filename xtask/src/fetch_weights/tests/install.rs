//! From a source to an installed file. The tiny networks stand in for the real ones only where the architecture may
//! be chosen; what needs a real one builds it from the shapes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use patchcore_weights::{
    Architecture, Block, FoldedTensor, FoldedTensors, Registry, RegistryEntry, import_onnx, import_safetensors,
};

use super::fixture;
use super::server::{Answer, Server};
use crate::fetch_weights::error::FetchError;
use crate::fetch_weights::install::{Install, Installed};
use crate::fetch_weights::manifest::Manifest;
use crate::fetch_weights::onnx_writer::write_onnx;
use crate::fetch_weights::source::Source;

const TINY: [(&str, Architecture); 2] = [
    (
        "basic_folded.safetensors",
        Architecture { name: "tiny_basic", block: Block::Basic, blocks: [2, 1, 1, 1], stem_width: 2, width_factor: 1 },
    ),
    (
        "bottleneck_folded.safetensors",
        Architecture {
            name: "tiny_bottleneck",
            block: Block::Bottleneck,
            blocks: [2, 1, 1, 1],
            stem_width: 2,
            width_factor: 1,
        },
    ),
];

fn entry(name: &str) -> RegistryEntry {
    Registry::parse(crate::fetch_weights::REGISTRY).unwrap().get(name).unwrap().clone()
}

/// A ResNet-18 of small numbers.
fn resnet18() -> FoldedTensors {
    let mut tensors = FoldedTensors::new();
    for spec in Architecture::by_name("resnet18").unwrap().convolutions() {
        let count: usize = spec.shape.iter().product();
        let data = (0..count).map(|index| (index % 17) as f32 / 64.0).collect();
        tensors.insert(format!("{}.weight", spec.name), FoldedTensor { shape: spec.shape.to_vec(), data });
        let bias = FoldedTensor { shape: vec![spec.shape[0]], data: vec![0.5; spec.shape[0]] };
        tensors.insert(format!("{}.bias", spec.name), bias);
    }
    tensors
}

fn run(folder: &Path, from: &str, change: impl Fn(&mut Install<'_>)) -> Result<Installed, FetchError> {
    let mut install = Install {
        directory: folder,
        last_layer: 3,
        unverified: false,
        force: false,
        pause: Duration::ZERO,
        progress: &|_, _| {},
    };
    change(&mut install);
    install.run(&entry("resnet18"), (!from.is_empty()).then_some(from))
}

#[test]
fn what_is_written_reads_back_bit_for_bit() {
    for (file, architecture) in TINY {
        let mut tensors = import_safetensors(&architecture, file, &fixture(file)).unwrap();
        for last in [4, 3] {
            tensors.retain(|name, _| last == 4 || !name.starts_with("layer4"));
            let bytes = write_onnx(&architecture, &tensors);
            assert_eq!(import_onnx(&architecture, "written", &bytes).unwrap(), tensors);
        }
    }
}

#[test]
fn an_onnx_file_is_installed_with_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("mine.onnx");
    let bytes = write_onnx(Architecture::by_name("resnet18").unwrap(), &resnet18());
    fs::write(&source, &bytes).unwrap();
    let target = folder.path().join("cache");
    let installed = run(&target, source.to_str().unwrap(), |_| {}).unwrap();
    assert_eq!(installed.path, target.join("resnet18.onnx"));
    let written = fs::read(&installed.path).unwrap();
    let tensors = import_onnx(Architecture::by_name("resnet18").unwrap(), "w", &written).unwrap();
    assert_eq!(tensors.len(), 30);
    assert!(tensors.iter().all(|(name, tensor)| resnet18()[name] == *tensor));
    let manifest: Manifest = serde_json::from_str(&fs::read_to_string(target.join("resnet18.json")).unwrap()).unwrap();
    assert_eq!((manifest.last_layer.as_str(), manifest.version), ("layer3", None));
    assert_eq!(manifest.source.bytes, bytes.len() as u64);
    // What is there and intact is not fetched again; what was altered is (and the published address is not here).
    assert!(run(&target, "", |_| {}).unwrap().already);
    let all = run(&target, source.to_str().unwrap(), |install| install.last_layer = 4).unwrap();
    assert_eq!(all.manifest.last_layer, "layer4");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 2);
}

#[test]
fn a_remote_onnx_file_and_a_mirror_work() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = write_onnx(Architecture::by_name("resnet18").unwrap(), &resnet18());
    let server = Server::start(bytes, &[Answer::CutAfter(1_000_000), Answer::Honest]);
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
    assert!(!target.join("resnet18.onnx").exists());
}

#[test]
fn a_mirror_with_garbage_leaves_the_earlier_installation() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("resnet18.onnx"), "earlier").unwrap();
    let server = Server::start(vec![1; 5_000], &[Answer::Garbage]);
    let error = run(folder.path(), &format!("{}/", server.base), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::Digest { .. }), "{error}");
    assert_eq!(fs::read(folder.path().join("resnet18.onnx")).unwrap(), b"earlier");
    assert!(folder.path().join("resnet18.download.resnet18-f37072fd.pth.rejected").exists());
}

#[test]
fn a_folder_is_searched_for_the_backbone() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().to_str().unwrap();
    let of = |name: &str| Source::of(&entry(name), Some(from));
    let error = of("resnet50").unwrap_err();
    assert!(error.to_string().contains("resnet50-0676ba61.pth"), "{error}");
    for file in ["wide_resnet50_2.onnx", "resnet50-own.safetensors", "resnet50.txt", "resnet501.onnx"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    assert_eq!(of("resnet50").unwrap(), Source::File(folder.path().join("resnet50-own.safetensors")));
    fs::write(folder.path().join("resnet50.onnx"), "").unwrap();
    assert_eq!(of("resnet50").unwrap(), Source::File(folder.path().join("resnet50.onnx")));
    fs::write(folder.path().join("resnet50-0676ba61.pth"), "").unwrap();
    assert_eq!(of("resnet50").unwrap(), Source::File(folder.path().join("resnet50-0676ba61.pth")));
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
