//! From the golden input to the golden score: layers, embeddings, distances, maps of the authors' code and anomalib,
//! on the real ResNet-18.

use patchcore::config::{Architecture, Mode, Normalization};
use patchcore_core::tensors::{Network, burn_device};
use patchcore_core::{ComputeDevice, Extractor, ImageInput};
use patchcore_testing::{Golden, resnet18};

/// The golden input is normalised already: this normalisation does nothing.
const NONE: Normalization = Normalization { mean: [0.0; 3], std: [1.0; 3] };

fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn layers_equal_torch() {
    let Some(weights) = resnet18() else { return };
    let weights = patchcore::resolve_weights("resnet18", Some(&weights)).unwrap();
    let plan = Architecture::RESNET18.plan(&["layer2".into(), "layer3".into()]).unwrap();
    let named = patchcore_testing::test_devices().unwrap_or_default().into_iter().filter(|name| name != "cpu");
    for device in named.chain(["flex".to_owned()]) {
        let device = ComputeDevice::from_name(&device).unwrap();
        let burn = burn_device(&device).unwrap();
        let network = Network::new("resnet18", plan.clone(), &weights, &device).unwrap();
        for name in ["normal", "defect"] {
            let Some(golden) = Golden::open(name) else { return };
            let data = burn::tensor::TensorData::new(golden.f32("input"), [1, 3, 224, 224]);
            let maps = network.forward(burn::tensor::Tensor::from_data(data, burn));
            for (map, layer) in maps.into_iter().zip(["layer2", "layer3"]) {
                let found = map.try_into_vec_as::<f32>().unwrap();
                let off = largest_difference(&found, &golden.f32(layer));
                assert!(off <= 1e-4, "{name} {layer} on {}: {off:e}", device.name());
            }
        }
    }
}

#[test]
fn embeddings_equal_both_published_codes() {
    let Some(weights) = resnet18() else { return };
    let weights = patchcore::resolve_weights("resnet18", Some(&weights)).unwrap();
    for (mode, rows, dim) in [(Mode::Authors, "embedding_rows", 1024), (Mode::Anomalib, "anomalib_embedding_rows", 384)]
    {
        let mut config = mode.config(Architecture::RESNET18);
        config.members[0].normalization = NONE;
        let config = config.check().unwrap();
        let extractor = Extractor::new(config, &weights, &ComputeDevice::flex()).unwrap();
        for name in ["normal", "defect"] {
            let Some(golden) = Golden::open(name) else { return };
            let pixels = golden.f32("input");
            let (found, grid) =
                extractor.embed_to_host(ImageInput { width: 224, height: 224, pixels: &pixels }).unwrap();
            assert_eq!((grid.rows, grid.columns), (28, 28));
            let expected = golden.f32(rows);
            for (cell, expected) in golden.indices("rows").iter().zip(expected.chunks(dim)) {
                let difference = largest_difference(&found[cell * dim..(cell + 1) * dim], expected);
                assert!(difference <= 1e-4, "{mode:?} {name} cell {cell}: {difference}");
            }
            if mode == Mode::Authors {
                let norms: Vec<f32> =
                    found.chunks(dim).map(|row| row.iter().map(|value| value * value).sum::<f32>().sqrt()).collect();
                assert!(largest_difference(&norms, &golden.f32("embedding_row_l2norm")) <= 1e-3, "{name}");
            }
        }
    }
}

/// The whole scoring step over the golden banks: distances, patch scores, image score and map.
#[test]
fn scores_and_maps_equal_both_published_codes() {
    let Some(weights) = resnet18() else { return };
    let weights = patchcore::resolve_weights("resnet18", Some(&weights)).unwrap();
    for (mode, bank, key) in [(Mode::Authors, "bank", "bank"), (Mode::Anomalib, "anomalib_bank", "anomalib_bank")] {
        let Some(bank) = Golden::open(bank) else { return };
        let mut config = mode.config(Architecture::RESNET18);
        config.members[0].normalization = NONE;
        let config = config.check().unwrap();
        let model =
            patchcore_core::PatchCore::with_bank(config, &weights, bank.f32(key), &ComputeDevice::flex()).unwrap();
        for name in ["normal", "defect"] {
            let golden = Golden::open(name).unwrap();
            let pixels = golden.f32("input");
            let score = model.score(ImageInput { width: 224, height: 224, pixels: &pixels }).unwrap();
            let (patch_scores, image_score, map) = match mode {
                Mode::Authors => ("patch_scores", "image_score", "map_smoothed"),
                _ => ("anomalib_patch_scores", "anomalib_pred_score", "anomalib_map"),
            };
            if mode == Mode::Authors {
                assert!(largest_difference(&score.patch_scores, &golden.f32(patch_scores)) <= 1e-3, "{name}");
                let indices = golden.indices("knn_idx_faiss");
                for (cell, neighbor) in score.nearest.iter().enumerate() {
                    assert_eq!(neighbor.row as usize, indices[cell * 3], "{name} cell {cell}");
                }
            }
            let close = |found: &[f32], expected: Vec<f32>, what: &str| {
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() <= 1e-3 * expected.abs(),
                        "{mode:?} {name} {what}: {found} {expected}"
                    );
                }
            };
            close(&score.patch_scores, golden.f32(patch_scores), "patch scores");
            close(&[score.score], golden.f32(image_score), "image score");
            close(&score.map.scores, golden.f32(map), "map");
        }
    }
}
