//! Whole networks with weights from a formula against torchvision's and timm's own code, and their embedding against the authors' and
//! anomalib's: `tests/fixtures/networks.py` says what is compared. What holds a published file's names, the folding of its BatchNorm, the
//! plan, the kernels or the embedding otherwise is seen here.

use std::path::{Path, PathBuf};
use std::process::Command;

use patchcore_config::backbone::NetworkEntry;
use patchcore_config::{Architecture, BackboneWeights, EmbeddingRule};
use patchcore_cpu::Instructions;
use patchcore_cpu::embedding::CpuEmbedding;
use patchcore_cpu::network::{CpuNetwork, FeatureMap, MapLayout, Workspace};
use patchcore_testing::{Golden, formula_values, formula_weights};
use patchcore_weights::{import_known_safetensors, load_weights};

/// Relative to the largest value of the sample; torch ran in f64. Measured: 3.0e-6, with the second seed 4.7e-6.
const TOLERANCE: f32 = 2e-5;
/// Relative to the standard deviation. Measured: 1.5e-7.
const TOLERANCE_OF_ALL: f64 = 1e-5;
const HEIGHT: usize = 96;
const WIDTH: usize = 128;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn resnet18_is_torchvisions() {
    is_the_published("resnet18");
}

#[test]
fn resnet50_is_torchvisions() {
    is_the_published("resnet50");
}

#[test]
fn wide_resnet50_2_is_torchvisions() {
    is_the_published("wide_resnet50_2");
}

#[test]
fn wide_resnet101_2_is_torchvisions() {
    is_the_published("wide_resnet101_2");
}

#[test]
fn resnext50_is_torchvisions() {
    is_the_published("resnext50_32x4d");
}

#[test]
fn resnext101_is_torchvisions() {
    is_the_published("resnext101_32x8d");
}

#[test]
fn densenet121_is_timms() {
    is_the_published("densenet121");
}

#[test]
fn densenet201_is_timms_and_torchvisions() {
    is_the_published("densenet201");
}

#[test]
fn every_lite_is_timms() {
    for name in ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"] {
        is_the_published(name);
    }
}

/// The weights that ship, in timm's networks.
#[test]
fn every_shipped_lite_is_timms() {
    let golden = Golden::read_file(&fixtures().join("shipped_lites.safetensors"));
    for name in ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"] {
        let network = Architecture::from_name(name).unwrap().entry();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../assets/{name}.safetensors"));
        let weights = load_weights(&file, name).unwrap();
        let image = formula_values(0, "image", 3 * HEIGHT * WIDTH, 0.0, 1.0);
        compare(network, &weights, &image, &golden);
    }
}

/// A second seed, where torch is installed: nothing fits the stored numbers by chance.
#[test]
fn another_seed_is_torchvisions_too_where_it_is_installed() {
    let python = std::env::var("PATCHCORE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let look = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('torch', 'torchvision', 'timm', 'safetensors'))))";
    let installed = Command::new(&python).args(["-c", look]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no torch, torchvision, timm and safetensors (see PATCHCORE_PYTHON)");
        return;
    }
    let names = ["resnet18", "resnext50_32x4d", "densenet121", "efficientnet_lite2"];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("networks.safetensors");
    let script = Command::new(&python)
        .args(["-B", "-W", "ignore"])
        .arg(fixtures().join("networks.py"))
        .arg(&file)
        .args(["--seed", "1", "--networks", &names.join(",")])
        .output()
        .unwrap();
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let golden = Golden::read_file(&file);
    for name in names {
        compare_with_formula(name, 1, &golden);
    }
}

fn is_the_published(name: &str) {
    let golden = Golden::read_file(&fixtures().join("networks.safetensors"));
    let maps = compare_with_formula(name, 0, &golden);
    let architecture = Architecture::from_name(name).unwrap();
    let levels = architecture.entry().levels.iter().zip(maps);
    let default = levels.filter(|(level, _)| architecture.default_layers().contains(&level.name));
    let maps: Vec<FeatureMap> = default.map(|(_, map)| map).collect();
    let channels: Vec<usize> = maps.iter().map(|map| map.channels).collect();
    for (rule, named) in [
        (EmbeddingRule::adaptive_pool(1024, 1024), "1024"),
        (EmbeddingRule::adaptive_pool(1024, 384), "384"),
        (EmbeddingRule::Concatenate, "concatenate"),
    ] {
        let (rows, _) = CpuEmbedding::new(rule, 3, &channels).forward(&maps);
        agrees(&format!("{name}.{named}"), &rows, &golden);
    }
}

/// Runs the network with the formula's weights, compares every level, and gives the maps.
fn compare_with_formula(name: &str, seed: u32, golden: &Golden) -> Vec<FeatureMap> {
    let network = Architecture::from_name(name).unwrap().entry();
    let weights =
        import_known_safetensors(name, "formula", &formula_weights(network, network.levels.len(), seed)).unwrap();
    compare(network, &weights, &formula_values(seed, "image", 3 * HEIGHT * WIDTH, 0.0, 2.0), golden)
}

/// Runs the network, compares every level, and gives the maps.
fn compare(network: &NetworkEntry, weights: &BackboneWeights, image: &[f32], golden: &Golden) -> Vec<FeatureMap> {
    let plan = network.plan_of_levels(network.levels.len());
    let executor = CpuNetwork::new(Instructions::native(), &plan, weights).unwrap();
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    executor.forward(image, 1, HEIGHT, WIDTH, MapLayout::ChannelsLast, &mut workspace, &mut maps).unwrap();
    assert_eq!(maps.len(), network.levels.len());
    for (map, level) in maps.iter().zip(network.levels) {
        let what = format!("{}.{}", network.name, level.name);
        assert_eq!(vec![map.channels, map.height, map.width], golden.indices(&format!("{what}.shape")), "{what}");
        let cells = map.height * map.width;
        // Channels first, as torch has them.
        let values: Vec<f32> = (0..map.data.len()).map(|at| map.data[at % cells * map.channels + at / cells]).collect();
        agrees(&what, &values, golden);
    }
    maps
}

/// Asserts that the stored sample of `values`, and their mean and standard deviation, are those.
fn agrees(what: &str, values: &[f32], golden: &Golden) {
    let sample: Vec<f32> = values.iter().copied().step_by((values.len() / 256) | 1).collect();
    let wanted = golden.f32(&format!("{what}.sample"));
    assert_eq!(sample.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let worst = sample.iter().zip(&wanted).map(|(found, wanted)| (found - wanted).abs() / largest).fold(0.0, f32::max);
    let [mean, deviation] = golden.f64(&format!("{what}.all"))[..] else { panic!("{what}: two numbers of all values") };
    let count = values.len() as f64;
    let found_mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let squares = values.iter().map(|value| (f64::from(*value) - found_mean).powi(2)).sum::<f64>();
    let of_all = [(found_mean, mean), ((squares / count).sqrt(), deviation)];
    let of_all = of_all.map(|(found, wanted)| (found - wanted).abs() / deviation).into_iter().fold(0.0, f64::max);
    println!("{what}: deviation {worst:.1e} of {largest}, mean and standard deviation {of_all:.1e}");
    // `fold` with `max` drops NaN.
    assert!(values.iter().all(|value| value.is_finite()) && largest > 0.0, "{what}");
    assert!(worst <= TOLERANCE, "{what}: {worst:e}");
    assert!(of_all <= TOLERANCE_OF_ALL, "{what}: {of_all:e}");
}
