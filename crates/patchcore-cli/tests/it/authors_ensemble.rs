//! The preset of the authors' ensemble against the authors' own program: every member's scores and maps, those combined by the test set,
//! and what they reach. `crates/patchcore/tests/fixtures/authors_ensemble.py` says how its numbers were made. Here rather than with the
//! library: its tests link Burn, and nothing of this needs it.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use image::{GrayImage, RgbImage};
use patchcore::config::Architecture;
use patchcore::metrics::auroc;
use patchcore::{
    Crop, DataSet, EvaluateOptions, Limits, Model, NetworkInput, NetworkSettings, Photo, Preset, Resize, Settings, Size,
};
use patchcore_core::{ImageInput, MemberScore};
use patchcore_testing::{Golden, formula_weights};

use crate::photos::save;

/// Photos of the fixture.
const HEIGHT: u32 = 78;
const WIDTH: u32 = 88;
const TRAIN: usize = 3;
const TEST: usize = 4;
/// Side of the networks' input, and how many of its rows and columns the fixture has: 2, 6, 10, ...
const SIDE: usize = 64;
const KEPT: usize = 16;
const NETWORKS: [&str; 3] = ["wide_resnet101_2", "resnext101_32x8d", "densenet201"];
/// Of a member's score, and of the largest value of its map. Both programs compute in f32, in other orders, through up to 200 layers.
/// Measured: 3.8e-6.
const TOLERANCE: f32 = 4e-5;
/// Of 1, to which every member's range is scaled. Measured: 5.4e-7.
const TOLERANCE_COMBINED: f32 = 1e-5;
/// A good and a defective pixel whose maps agree within rounding may change places: 3e-7 of the pairs or so. Measured: 1e-16.
const TOLERANCE_AUROC: f64 = 1e-6;

/// MVTec's layout of the fixture's photos: test photo 0 is good.
fn category(root: &Path, golden: &Golden) {
    let pixels = (WIDTH * HEIGHT) as usize;
    let colours = |array: &str, index: usize| {
        let values = golden.u8(array)[3 * pixels * index..][..3 * pixels].to_vec();
        RgbImage::from_raw(WIDTH, HEIGHT, values).unwrap()
    };
    for index in 0..TRAIN {
        save(&root.join(format!("train/good/{index:03}.png")), colours("train", index));
    }
    for index in 0..TEST {
        let kind = if index == 0 { "good" } else { "defect" };
        save(&root.join(format!("test/{kind}/{index:03}.png")), colours("test", index));
        if index > 0 {
            let mask = golden.u8("masks")[pixels * index..][..pixels].to_vec();
            let mask = GrayImage::from_raw(WIDTH, HEIGHT, mask).unwrap();
            save(&root.join(format!("ground_truth/defect/{index:03}_mask.png")), mask);
        }
    }
}

/// The preset at the fixture's size, with every row in the banks and the formula's weights.
fn settings(preset: Preset, folder: &Path) -> Settings {
    let preset = preset.settings();
    let file = |network: &str| folder.join(format!("{network}.safetensors"));
    let with_file = |network: NetworkSettings| {
        let file = file(&network.backbone);
        network.with_weights(file)
    };
    Settings {
        resize: Some(Resize::Short(73)),
        crop: Some(Crop::Center(Size { width: SIDE as u32, height: SIDE as u32 })),
        coreset_sampling_ratio: Some(1.0),
        weights: Some(file(&preset.backbone)),
        further_networks: preset.further_networks.iter().cloned().map(with_file).collect(),
        device: "cpu".to_owned(),
        ..preset
    }
}

fn input(model: &Model, file: &Path) -> NetworkInput {
    model.prepare(&Photo::open(file, &Limits::default()).unwrap()).unwrap()
}

fn members_of(model: &Model, file: &Path) -> Vec<MemberScore> {
    let input = input(model, file);
    let image = ImageInput { width: input.width, height: input.height, pixels: &input.data };
    model.core().score_members(image, input.inside.as_deref()).unwrap().1
}

/// What the authors count as defective: pixels that are wholly so after the mask was resized and cropped as a photo is. Their metrics
/// make whole numbers of the resized mask, so that its soft edge is good.
fn wholly_defective(model: &Model, mask: &Path) -> Vec<bool> {
    // Steps of 1/255, and 1 is white.
    input(model, mask).data[..SIDE * SIDE].iter().map(|value| *value > 0.999).collect()
}

/// Each member's values scaled by the smallest and largest of `all` of its values, then their mean.
fn combined(values: [f32; 3], all: &[Vec<f32>]) -> f32 {
    let scaled = values.into_iter().zip(all).map(|(value, all)| {
        let (low, high) =
            all.iter().fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        (value - low) / (high - low)
    });
    scaled.sum::<f32>() / 3.0
}

/// The values of a map that the fixture has.
fn kept(map: &[f32]) -> Vec<f32> {
    let places = || (2..SIDE).step_by(SIDE / KEPT);
    places().flat_map(|row| places().map(move |column| map[row * SIDE + column])).collect()
}

/// Largest difference, of the largest value.
fn deviation(found: &[f32], expected: &[f32]) -> f32 {
    assert!(found.len() == expected.len() && found.iter().all(|value| value.is_finite()));
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / largest).fold(0.0, f32::max)
}

#[test]
fn the_authors_ensembles_are_theirs() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patchcore/tests/fixtures");
    let golden = Golden::read_file(&fixtures.join("authors_ensemble.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("weave");
    category(&root, &golden);
    for name in NETWORKS {
        let network = Architecture::from_name(name).unwrap().entry();
        // The recipe has the second and third level.
        fs::write(folder.path().join(format!("{name}.safetensors")), formula_weights(network, 3, 0)).unwrap();
    }
    is_theirs(Preset::AuthorsEnsemble, "recipe", &root, &golden);
    is_theirs(Preset::AuthorsEnsembleSegmentation, "segmentation", &root, &golden);
}

fn is_theirs(preset: Preset, variant: &str, root: &Path, golden: &Golden) {
    let data = DataSet::open(root).unwrap();
    let model = Model::fit(&settings(preset, root.parent().unwrap()), data.train.clone()).unwrap();
    assert_eq!(model.config().members.iter().map(|member| member.backbone.name()).collect::<Vec<_>>(), NETWORKS);
    let array = |name: &str| golden.f32(&format!("{variant}.{name}"));

    // By test photo, then by member.
    let photo = |index: usize| {
        let image = data.test.iter().find(|image| image.path.ends_with(format!("{index:03}.png"))).unwrap();
        members_of(&model, &image.path)
    };
    let found: Vec<Vec<MemberScore>> = (0..TEST).map(photo).collect();
    let (scores, maps) = (array("scores"), array("maps"));
    let mut worst = (0.0f32, 0.0f32);
    for (index, members) in found.iter().enumerate() {
        assert_eq!(members.len(), NETWORKS.len());
        for (member, said) in members.iter().enumerate() {
            assert_eq!((said.map.width, said.map.height), (SIDE, SIDE));
            let at = member * TEST + index;
            let map = &maps[at * KEPT * KEPT..][..KEPT * KEPT];
            worst.0 = worst.0.max(deviation(&[said.score], &scores[at..=at]));
            worst.1 = worst.1.max(deviation(&kept(&said.map.scores), map));
        }
    }
    println!("{variant}: members' scores {:.1e}, maps {:.1e}", worst.0, worst.1);
    assert!(worst.0 <= TOLERANCE && worst.1 <= TOLERANCE, "{variant}: {worst:?}");

    // Combined as run_patchcore.py does it.
    let of_member = |values: &dyn Fn(&MemberScore) -> Vec<f32>| -> Vec<Vec<f32>> {
        (0..NETWORKS.len()).map(|member| found.iter().flat_map(|photo| values(&photo[member])).collect()).collect()
    };
    let (all_scores, all_pixels) = (of_member(&|said| vec![said.score]), of_member(&|said| said.map.scores.clone()));
    let join = |all: &[Vec<f32>]| -> Vec<f32> {
        (0..all[0].len()).map(|at| combined([all[0][at], all[1][at], all[2][at]], all)).collect()
    };
    let (joint_scores, joint_pixels) = (join(&all_scores), join(&all_pixels));
    let sampled: Vec<f32> = joint_pixels.chunks(SIDE * SIDE).flat_map(kept).collect();
    let off = |found: &[f32], expected: &[f32]| {
        assert_eq!(found.len(), expected.len());
        found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max)
    };
    let joint = (off(&joint_scores, &array("combined_scores")), off(&sampled, &array("combined_maps")));
    println!("{variant}: combined scores {:.1e}, maps {:.1e}", joint.0, joint.1);
    assert!(joint.0 <= TOLERANCE_COMBINED && joint.1 <= TOLERANCE_COMBINED, "{variant}: {joint:?}");

    // What it reaches, by the authors' masks.
    let labels: Vec<bool> = (0..TEST).map(|index| index > 0).collect();
    let mut defective = vec![false; SIDE * SIDE];
    for index in 1..TEST {
        defective.extend(wholly_defective(&model, &root.join(format!("ground_truth/defect/{index:03}_mask.png"))));
    }
    let of_defects = SIDE * SIDE..;
    let aurocs = [
        auroc(&joint_scores, &labels).unwrap(),
        auroc(&joint_pixels, &defective).unwrap(),
        auroc(&joint_pixels[of_defects.clone()], &defective[of_defects]).unwrap(),
    ];
    let theirs = golden.f64(&format!("{variant}.aurocs"));
    println!("{variant}: AUROCs {aurocs:?}, theirs {theirs:?}");
    assert_eq!(aurocs.len(), theirs.len());
    for (found, expected) in aurocs.iter().zip(&theirs) {
        assert!((found - expected).abs() <= TOLERANCE_AUROC, "{variant}: {aurocs:?}, theirs {theirs:?}");
    }
    if variant != "recipe" {
        return;
    }

    // `evaluate --authors-normalization` joins them in the same way, and has masks by its own rule.
    let evaluation = model.evaluate(&data, EvaluateOptions::default()).unwrap();
    let of_test_set =
        model.authors_normalization(&evaluation, Limits::default(), |_| ControlFlow::Continue(())).unwrap();
    let mut truth = Vec::new();
    for index in 0..TEST {
        let row = evaluation.images.iter().find(|row| row.image.path.ends_with(format!("{index:03}.png"))).unwrap();
        truth.extend(row.truth.clone().unwrap_or_else(|| vec![false; SIDE * SIDE]));
    }
    let value = |key: &str| of_test_set.overall.values.iter().find(|(metric, _)| metric.key == key).unwrap().1;
    assert!((value("image_auroc") - aurocs[0]).abs() <= 1e-12);
    assert!((value("pixel_auroc") - auroc(&joint_pixels, &truth).unwrap()).abs() <= TOLERANCE_AUROC);
}
