//! Which kernels one photo launches on a device of CubeCL, by CubeCL's own log of them in a process of its own.

use std::collections::BTreeMap;
use std::process::Command;

use super::test_model::model;
use crate::cube::cube_devices;

/// Says to the other process how many photos to score.
const PHOTOS: &str = "PATCHCORE_TEST_PHOTOS";

/// What a flag of the test program begins with.
const FLAG: &str = "--";

/// How often each kernel is launched while a model is made and scores so many photos, one by one.
fn launches(device: &str, photos: usize) -> BTreeMap<String, usize> {
    let log = std::env::temp_dir().join(format!("patchcore-launches-{}-{photos}", std::process::id()));
    let name = "engine::tensors::launches::score_for_the_log";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let of_test = ["exact", "nocapture"].map(|flag| format!("{FLAG}{flag}"));
    command.args(of_test).arg(name);
    command.env("PATCHCORE_TEST_DEVICE", device).env(PHOTOS, photos.to_string()).env("CUBECL_DEBUG_LOG", &log);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    let mut counts = BTreeMap::new();
    // `| 12.778733ms | ConvKernel_87c9c90a`; the sums at the end have more columns and begin with the name.
    for line in text.lines() {
        let Some((time, kernel)) = line.strip_prefix("| ").and_then(|line| line.split_once(" | ")) else { continue };
        let is_time = time.trim().ends_with('s') && time.starts_with(|first: char| first.is_ascii_digit());
        if is_time && !kernel.ends_with('|') {
            let kernel = kernel.trim().rsplit_once('_').map_or(kernel, |(name, _)| name);
            *counts.entry(kernel.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn one_photo_launches_no_convolution_product_or_layout_of_burns() {
    for device in cube_devices() {
        let (one, two) = (launches(&device.name(), 1), launches(&device.name(), 2));
        let of_photo = two.iter().map(|(name, count)| (name, count - one.get(name).copied().unwrap_or_default()));
        let of_photo: BTreeMap<&String, usize> = of_photo.filter(|(_, count)| *count > 0).collect();
        println!("{}: {} launches a photo: {of_photo:?}", device.name(), of_photo.values().sum::<usize>());
        let count = |name: &str| of_photo.get(&name.to_owned()).copied().unwrap_or_default();
        // EfficientNet-Lite0 up to its fourth stage: 22 dense convolutions and 11 depthwise ones.
        assert!(count("ConvKernel") >= 15 && count("DepthwiseKernel") >= 8, "{of_photo:?}");
        let foreign = ["Conv2d", "Direct", "Copy", "Contiguous", "Matmul", "Gemm", "Interpolate", "Pool2d"];
        let found = of_photo.keys().find(|name| foreign.iter().any(|foreign| name.contains(foreign)));
        assert_eq!(found, None, "{of_photo:?}");
    }
}

/// What the other process does; nothing where nobody says how many photos.
#[test]
fn score_for_the_log() {
    let Some(photos) = std::env::var(PHOTOS).ok().and_then(|photos| photos.parse::<u64>().ok()) else { return };
    for device in cube_devices() {
        let model = model(&device);
        for seed in 0..photos {
            assert!(!model.score(&[seed])[0].map.is_empty());
        }
        device.sync().unwrap();
    }
}
