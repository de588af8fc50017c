//! What the suite holds engines to in networks of fewer bits than f32: an engine that has them gives the definition's bits in int8, one that
//! has not says so, and the CPU's kernels stand in.

use std::sync::Arc;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::{EmbeddingRule, Normalization};
use patchcore_cpu::Instructions;
use patchcore_cpu::network::reduced::ranges_of;
use patchcore_cpu::network::{CpuNetwork, Workspace};

use super::interface::{EmbeddingSpec, Engine, Features};
use super::{Oracle, features_of};
use crate::backbone::test_networks::{lite0, values};
use crate::backbone::{Backbone, ReducedBackbone};
use crate::image_input::ImageInput;

const NORMALIZATION: Normalization = Normalization { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
const SIZE: (usize, usize) = (35, 46);

/// Pixels of a photo, `low` to `high`.
fn pixels(planes: usize, seed: u64, low: f32, high: f32) -> Vec<f32> {
    let noise = values(planes * SIZE.0 * SIZE.1, seed);
    noise.iter().map(|value| low + (high - low) * (0.5 + 0.5 * value)).collect()
}

fn image(pixels: &[f32]) -> ImageInput<'_> {
    ImageInput { width: SIZE.1, height: SIZE.0, pixels }
}

/// What the maps hold on a photo of middling values, so that brighter ones are clipped.
fn ranges(network: &dyn Backbone) -> ActivationRanges {
    let (plan, weights) = network.plan().unwrap();
    let mut seen = ActivationRanges::nothing_seen(plan);
    let (photo, mut planes) = (pixels(3, 9, 0.3, 0.7), Vec::new());
    image(&photo).push_normalized(&NORMALIZATION, &mut planes);
    let cpu = CpuNetwork::new(Instructions::native(), plan, weights).unwrap();
    cpu.observe(&planes, 1, SIZE.0, SIZE.1, &mut Workspace::default(), &mut seen).unwrap();
    ranges_of(plan, &NORMALIZATION, &seen).unwrap()
}

/// One level each, a cell a patch: the rows are the network's own values.
fn levels() -> [EmbeddingSpec; 2] {
    [0, 1].map(|level| EmbeddingSpec { levels: vec![level], grid: 0, rule: EmbeddingRule::Concatenate, patch_size: 1 })
}

/// The rows of each embedding and photo.
fn rows(features: &dyn Features, images: &[ImageInput<'_>]) -> Vec<Vec<f32>> {
    let mut found = Vec::new();
    features.embed(images, &mut |embedded| found.push(embedded.rows.to_vec())).unwrap();
    found
}

pub(super) fn features_in_int8(engine: &dyn Engine) {
    let network = lite0();
    let reduced: Arc<dyn Backbone> = Arc::new(ReducedBackbone::new(&network, Some(&ranges(network.as_ref()))).unwrap());
    let (features, fallback) = features_of(engine, &reduced, &NORMALIZATION, &levels()).unwrap();
    let said = fallback.map(|fallback| fallback.to_string());
    let lacks = "the engine `tensors` cannot run a network in int8: `cpu` computes the features, slower";
    assert_eq!(said.as_deref(), (engine.name() == "tensors").then_some(lacks));
    let expected = Oracle.features(&reduced, &NORMALIZATION, &levels()).unwrap();
    // As calibrated, with values far beyond, constant, and grey.
    for photo in
        [pixels(3, 1, 0.3, 0.7), pixels(3, 2, 0.0, 1.0), vec![1.0; 3 * SIZE.0 * SIZE.1], pixels(1, 3, 0.0, 1.0)]
    {
        let (found, expected) = (rows(features.as_ref(), &[image(&photo)]), rows(expected.as_ref(), &[image(&photo)]));
        assert!(expected.iter().flatten().any(|value| *value != 0.0));
        assert_eq!(found, expected, "{}", engine.name());
    }
}

/// Within a tolerance: sums are `f32`, in an order of the set's own, and a map's values may fall on the other side of a rounding.
pub(super) fn features_in_bf16(engine: &dyn Engine) {
    let reduced: Arc<dyn Backbone> = Arc::new(ReducedBackbone::new(&lite0(), None).unwrap());
    let (features, fallback) = features_of(engine, &reduced, &NORMALIZATION, &levels()).unwrap();
    assert_eq!(fallback.map(|fallback| fallback.instead), (engine.name() == "tensors").then_some("cpu"));
    let expected = Oracle.features(&reduced, &NORMALIZATION, &levels()).unwrap();
    let in_f32 = Oracle.features(&lite0(), &NORMALIZATION, &levels()).unwrap();
    for photo in [pixels(3, 1, 0.0, 1.0), pixels(1, 3, 0.0, 1.0)] {
        let of = |features: &dyn Features| rows(features, &[image(&photo)]);
        let (found, expected, in_f32) = (of(features.as_ref()), of(expected.as_ref()), of(in_f32.as_ref()));
        for ((found, expected), in_f32) in found.iter().zip(&expected).zip(&in_f32) {
            let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let off = |other: &[f32]| {
                let differences = other.iter().zip(expected).map(|(one, other)| f64::from(one - other).powi(2));
                (differences.sum::<f64>() / other.len() as f64).sqrt() / f64::from(largest)
            };
            assert!(off(found) < 2e-3, "{}: {}", engine.name(), off(found));
            // bf16 is not f32, and lies further from it than its sets from each other.
            assert!(off(in_f32) > off(found) && off(in_f32) < 3e-2, "{} {}", off(in_f32), off(found));
        }
    }
}
