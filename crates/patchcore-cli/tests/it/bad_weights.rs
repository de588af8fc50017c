//! Weights that are missing, of another network, damaged, or not those of the model.

use std::fs;
use std::path::{Path, PathBuf};

use patchcore_testing::resnet18;

use crate::photos::good_folder;
use crate::program::{Run, Workplace, patchcore, small_fit};

/// The default network's weights as a file of this repository.
fn efficientnet() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/efficientnet_lite0.safetensors")).to_owned()
}

fn fit(place: &Workplace, options: &[&str]) -> Run {
    let fit = small_fit(&place.path("photos"), &place.path("m.patchcore"));
    patchcore(fit.into_iter().chain(options.iter().map(|option| (*option).to_owned())))
}

fn photos() -> Workplace {
    let place = Workplace::new();
    good_folder(&place.path("photos"), 2);
    place
}

#[test]
fn weights_that_are_not_installed_name_the_command_that_installs_them() {
    let place = photos();
    fs::create_dir(place.path("cache")).unwrap();
    let mut command = crate::program::command();
    command.env("PATCHCORE_CACHE", place.path("cache"));
    command.args(small_fit(&place.path("photos"), &place.path("m.patchcore"))).args(["--backbone", "resnet18"]);
    let looked = format!("{} and {}", place.text("cache/resnet18.safetensors"), place.text("cache/resnet18.onnx"));
    crate::program::finish(&mut command).fails(&[
        "no weights for resnet18",
        &looked,
        "patchcore weights fetch resnet18",
        "--weights FILE",
    ]);
}

#[test]
fn an_installed_onnx_file_works_and_a_safetensors_file_comes_first() {
    let Some(weights) = resnet18() else { return };
    let place = photos();
    fs::create_dir(place.path("cache")).unwrap();
    fs::copy(&weights, place.path("cache/resnet18.onnx")).unwrap();
    let fit = || {
        let mut command = crate::program::command();
        command.env("PATCHCORE_CACHE", place.path("cache"));
        command.args(small_fit(&place.path("photos"), &place.path("m.patchcore"))).args([
            "--backbone",
            "resnet18",
            "--reproducible",
        ]);
        crate::program::finish(&mut command)
    };
    fit().done();
    let installed = fs::read(place.path("m.patchcore")).unwrap();
    let weights = weights.display().to_string();
    patchcore(
        small_fit(&place.path("photos"), &place.path("given.patchcore"))
            .into_iter()
            .chain(["--backbone", "resnet18", "--weights", &weights, "--reproducible"].map(str::to_owned)),
    )
    .done();
    assert!(installed == fs::read(place.path("given.patchcore")).unwrap());

    fs::write(place.path("cache/resnet18.safetensors"), "not a network").unwrap();
    fit().fails(&[&place.text("cache/resnet18.safetensors"), "not a readable safetensors file"]);
}

#[test]
fn weight_files_that_cannot_be_read_are_named() {
    let place = photos();
    fs::write(place.path("text.onnx"), "not a network").unwrap();
    fs::write(place.path("text.safetensors"), "not a network").unwrap();
    fs::write(place.path("empty.onnx"), "").unwrap();
    fs::write(place.path("torch.pth"), "PK").unwrap();
    let gone = place.text("gone.onnx");
    let cases: [(&str, &[&str]); 5] = [
        ("gone.onnx", &[&gone, "does not exist", "patchcore weights fetch resnet18"]),
        ("text.onnx", &["text.onnx"]),
        ("text.safetensors", &["text.safetensors", "not a readable safetensors file"]),
        ("empty.onnx", &["empty.onnx"]),
        ("torch.pth", &["torch.pth", "expected .onnx or .safetensors", "patchcore weights import resnet18"]),
    ];
    for (name, needles) in cases {
        fit(&place, &["--backbone", "resnet18", "--weights", &place.text(name)]).fails(needles);
    }
    fs::create_dir(place.path("folder.onnx")).unwrap();
    fit(&place, &["--backbone", "resnet18", "--weights", &place.text("folder.onnx")]).fails(&["folder.onnx"]);
}

#[test]
fn weights_of_another_network_name_both() {
    let place = photos();
    let weights = efficientnet().display().to_string();
    fit(&place, &["--backbone", "resnet18", "--weights", &weights])
        .fails(&["efficientnet_lite0.safetensors", "resnet18"]);
    let Some(weights) = resnet18() else { return };
    let weights = weights.display().to_string();
    for backbone in ["resnet34", "resnet50", "wide_resnet50_2", "efficientnet_lite0"] {
        fit(&place, &["--backbone", backbone, "--weights", &weights])
            .fails(&["resnet18-imagenet1k-v1-trunk.onnx", backbone]);
    }
}

#[test]
fn weights_that_are_not_numbers_name_the_tensor() {
    let place = photos();
    let mut bytes = fs::read(efficientnet()).unwrap();
    // The last value of the file, in f16.
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&0x7e00_u16.to_le_bytes());
    fs::write(place.path("nan.safetensors"), bytes).unwrap();
    fit(&place, &["--weights", &place.text("nan.safetensors")]).fails(&["nan.safetensors", "NaN", "finite"]);
}

#[test]
fn a_model_refuses_other_weights_and_takes_its_own_from_a_file() {
    let place = photos();
    fit(&place, &[]).done();
    let mut bytes = fs::read(efficientnet()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle & !1] ^= 1;
    fs::write(place.path("other.safetensors"), bytes).unwrap();
    let (model, photo) = (place.text("m.patchcore"), place.text("photos/000.png"));
    let score = |weights: &str| patchcore(["score", "--model", &model, "--weights", weights, &photo]);
    score(&place.text("other.safetensors")).fails(&[
        &model,
        "efficientnet_lite0",
        "sha256",
        "weights given have",
        "--weights",
        "fit again",
    ]);
    let from_file = score(&efficientnet().display().to_string()).done().stdout;
    assert_eq!(from_file, patchcore(["score", "--model", &model, &photo]).done().stdout);
}

#[test]
fn a_real_network_needs_its_weights_unless_they_are_embedded() {
    let Some(weights) = resnet18() else { return };
    let (place, weights) = (photos(), weights.display().to_string());
    let copy = place.text("copy.onnx");
    fs::copy(&weights, &copy).unwrap();
    fit(&place, &["--backbone", "resnet18", "--weights", &copy]).done();
    let (model, photo) = (place.text("m.patchcore"), place.text("photos/000.png"));
    let remembered = patchcore(["score", "--model", &model, &photo]).done().stdout;
    fs::remove_file(&copy).unwrap();
    patchcore(["score", "--model", &model, &photo]).fails(&["resnet18", "patchcore weights fetch resnet18"]);
    let with_file = patchcore(["score", "--model", &model, "--weights", &weights, &photo]).done().stdout;

    assert_eq!(with_file, remembered);

    let mut other = fs::read(&weights).unwrap();
    let middle = other.len() / 2;
    other[middle & !3] ^= 1;
    fs::write(place.path("other.onnx"), other).unwrap();
    patchcore(["score", "--model", &model, "--weights", &place.text("other.onnx"), &photo])
        .fails(&[&model, "resnet18", "sha256"]);

    fit(&place, &["--backbone", "resnet18", "--weights", &weights, "--embed-weights"]).done();
    assert_eq!(patchcore(["score", "--model", &model, &photo]).done().stdout, with_file);
}
