//! A small model of this engine's parts, for tests.

use std::sync::Arc;

use patchcore_config::{Border, Distance, EmbeddingRule, Normalization, Smoothing, Upsampling};

use super::tensor_engine::Tensors;
use crate::backbone::test_networks::{lite0, values};
use crate::device::ComputeDevice;
use crate::engine::interface::{EmbeddingSpec, Engine, Features, Grower, Index, MapSpec, WholeModel, WholePhoto};
use crate::image_input::ImageInput;
use crate::memory_bank::MemoryBank;

const SIDE: usize = 32;

pub(super) struct Model {
    pub(super) engine: Tensors,
    features: Arc<dyn Features>,
    pub(super) index: Arc<dyn Index>,
    grower: Arc<dyn Grower>,
}

fn photo(seed: u64) -> Vec<f32> {
    values(3 * SIDE * SIDE, seed).iter().map(|value| value * 0.5 + 0.5).collect()
}

/// A bank of the rows of some photos.
pub(super) fn model(device: &ComputeDevice) -> Model {
    let engine = Tensors::new(device.clone());
    let normalization = Normalization { mean: [0.5; 3], std: [0.25; 3] };
    let rule = EmbeddingRule::adaptive_pool(32, 32);
    let spec = EmbeddingSpec { levels: vec![0, 1], grid: 0, rule, patch_size: 3 };
    let features = engine.features(&lite0(), &normalization, &[spec]).unwrap();
    let (mut rows, mut grid) = (Vec::new(), None);
    for seed in 0..3 {
        let pixels = photo(seed);
        let image = ImageInput { width: SIDE, height: SIDE, pixels: &pixels };
        features
            .embed(&[image], &mut |embedded| {
                rows.extend_from_slice(embedded.rows);
                grid = Some(embedded.grid);
            })
            .unwrap();
    }
    let map = MapSpec {
        grid: grid.unwrap(),
        height: SIDE,
        width: SIDE,
        upsampling: Upsampling::Bilinear,
        smoothing: Smoothing::Gaussian { sigma: 2.0 },
        border: Border::ReflectEdgeRepeated,
    };
    let index = engine.index(&MemoryBank::from_rows(32, rows).unwrap()).unwrap();
    let grower = engine.grower(map).unwrap();
    Model { engine, features, index, grower }
}

impl Model {
    pub(super) fn score(&self, seeds: &[u64]) -> Vec<WholePhoto> {
        let photos: Vec<Vec<f32>> = seeds.iter().map(|seed| photo(*seed)).collect();
        let images = photos.iter().map(|pixels| ImageInput { width: SIDE, height: SIDE, pixels });
        let images: Vec<ImageInput<'_>> = images.collect();
        let (features, index, grower) = (self.features.as_ref(), self.index.as_ref(), self.grower.as_ref());
        let model = WholeModel { features, index, grower, distance: Distance::L2, neighborhood: 3 };
        self.engine.whole_photos(model, &images).unwrap().unwrap()
    }
}
