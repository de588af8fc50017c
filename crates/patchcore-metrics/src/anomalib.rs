//! The metrics against anomalib's own numbers of the same maps: as they stand in `fixtures/anomalib_metrics.csv`, and from the
//! anomalib that is installed, if one is (`PATCHCORE_PYTHON` names its Python; without it, `python3`). Tests only.
//!
//! The maps are made from a formula here and in `fixtures/anomalib_metrics.py`. In `levels` every score is one of anomalib's
//! thresholds and both bounds are rates that occur, so its AUPIMO is exact there. In `fractions` its 300,000 thresholds step
//! over scores.

use std::process::Command;

use super::*;

const STORED: &str = include_str!("../fixtures/anomalib_metrics.csv");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/anomalib_metrics.py");

/// A 32-bit number for each index.
fn mixed(at: u64) -> u64 {
    let step = |x: u64, (shift, factor): (u32, u64)| {
        let x = (x * factor) & 0xffff_ffff;
        x ^ (x >> shift)
    };
    [(15, 2_654_435_761), (13, 2_246_822_519), (16, 3_266_489_917)].into_iter().fold(at & 0xffff_ffff, step)
}

struct Maps {
    width: usize,
    height: usize,
    scores: Vec<Vec<f32>>,
    masks: Vec<Vec<bool>>,
}

impl Maps {
    fn labelled(&self) -> Vec<LabelledMap<'_>> {
        let (width, height) = (self.width, self.height);
        let maps = self.scores.iter().zip(&self.masks);
        maps.map(|(scores, mask)| LabelledMap { width, height, scores, mask: Some(mask), inside: None }).collect()
    }
}

/// 8 images of 100,000 pixels: whole numbers, or with fractions.
fn large(with_fractions: bool) -> Maps {
    let (width, height) = (400, 250);
    let is_defective = |image: usize, at: usize| {
        let (r, c) = (at / width, at % width);
        let Some(d) = image.checked_sub(4) else { return false };
        let block = 20 + 10 * d <= r && r < 40 + 20 * d && (30..90 + 20 * d).contains(&c);
        block || ((150..200).contains(&r) && c == r + 50) || (r == 230 && (300..304 + d).contains(&c))
    };
    let score = |image: usize, at: usize| {
        let index = (image * width * height + at) as u64;
        let number = mixed(index);
        let level = match (image, at) {
            (0, 0) => 4095,
            (0, 1) => 0,
            _ if is_defective(image, at) => 2200 + 500 * (image as u64 - 4) + number % 1500,
            _ if mixed(index + 10_000_000) % 2500 == 7 => 1000 + mixed(index + 20_000_000) % 3095,
            _ => number % 1000,
        };
        let fraction = (mixed(index + 30_000_000) >> 8) as f64 / 16_777_216.0;
        (level as f64 + if with_fractions { fraction } else { 0.0 }) as f32
    };
    let pixels = width * height;
    Maps {
        width,
        height,
        scores: (0..8).map(|image| (0..pixels).map(|at| score(image, at)).collect()).collect(),
        masks: (0..8).map(|image| (0..pixels).map(|at| is_defective(image, at)).collect()).collect(),
    }
}

/// 6 images of 32 x 24 pixels with many ties.
fn small() -> Maps {
    let (width, height) = (32, 24);
    let is_defective = |image: usize, at: usize| {
        let (r, c) = (at / width, at % width);
        let Some(d) = image.checked_sub(3) else { return false };
        ((3 + d..8 + 2 * d).contains(&r) && (4..12 + d).contains(&c)) || ((14..20).contains(&r) && c == r + 5)
    };
    let score = |image: usize, at: usize| {
        let defect = if is_defective(image, at) { 30 } else { 0 };
        (mixed((image * width * height + at) as u64) % 64 + defect) as f32 / 4.0
    };
    let pixels = width * height;
    Maps {
        width,
        height,
        scores: (0..6).map(|image| (0..pixels).map(|at| score(image, at)).collect()).collect(),
        masks: (0..6).map(|image| (0..pixels).map(|at| is_defective(image, at)).collect()).collect(),
    }
}

/// `(set,metric,image, value)` of each row of anomalib's table.
fn rows(table: &str) -> Vec<(&str, f64)> {
    let rows = table.lines().filter_map(|line| line.rsplit_once(','));
    rows.filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect()
}

fn assert_ours_equals(table: &str) {
    let overlaps = [("levels", false), ("fractions", true)].map(|(name, with_fractions)| {
        let maps = large(with_fractions);
        (name, aupimo(&maps.labelled(), AUPIMO_BOUNDS).unwrap())
    });
    let maps = small();
    let pixel = pixel_metrics_at(Some(15.0), &maps.labelled()).unwrap();
    let labels: Vec<bool> = (0..40).map(|image| image % 3 == 0).collect();
    let score =
        |(image, label): (usize, &bool)| (mixed(image as u64) % 1000) as f32 / 100.0 + if *label { 3.0 } else { 0.0 };
    let scores: Vec<f32> = labels.iter().enumerate().map(score).collect();
    let image = image_metrics_at(Some(6.5), &scores, &labels).unwrap();

    let mut compared = 0;
    for (name, expected) in rows(table) {
        let mut parts = name.split(',');
        let (Some(set), Some(key), Some(of)) = (parts.next(), parts.next(), parts.next()) else { panic!("{name}") };
        let found = match overlaps.iter().find(|(name, _)| *name == set) {
            Some((_, areas)) if of == "mean" => areas.mean,
            Some((_, areas)) => areas.images[of.parse::<usize>().unwrap()].unwrap(),
            None => Metric::of_key(key).unwrap().value(Some(&image), Some(&pixel)).unwrap(),
        };
        let tolerance = if set == "fractions" { 1e-3 } else { 1e-6 };
        assert!((found - expected).abs() <= tolerance, "{name}: found {found}, anomalib says {expected}");
        compared += 1;
    }
    assert_eq!(compared, 16, "{table}");
}

#[test]
fn ours_equal_what_anomalib_has_said() {
    assert_ours_equals(STORED);
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "starts a program")]
fn ours_equal_the_anomalib_that_is_installed() {
    let python = std::env::var("PATCHCORE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('anomalib') is None)";
    let installed = Command::new(&python).args(["-c", look]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        // The stored table stands in.
        return;
    }
    let output = Command::new(&python).args(["-W", "ignore", SCRIPT]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_ours_equals(&said);
}
