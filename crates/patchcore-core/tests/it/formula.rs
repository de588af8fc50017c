//! Weights that need no file: the formula of `tests/fixtures/resnets.py`, value for value.

use patchcore_config::{Architecture, BackboneWeights, NamedTensor};

use crate::implementations::plan;

/// Uniform values in `[-scale, scale)` that belong to a name.
pub fn fill(name: &str, shape: &[usize], scale: f32) -> NamedTensor {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        // FNV-1a.
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let value = |index: u64| {
        // splitmix64.
        let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * scale
    };
    let count: usize = shape.iter().product();
    NamedTensor { shape: shape.to_vec(), data: (0..count as u64).map(value).collect() }
}

/// The weights of a ResNet up to its default layers.
pub fn resnet(architecture: Architecture) -> BackboneWeights {
    let name = architecture.name();
    let last = if architecture == Architecture::RESNET34 { ".conv2.weight" } else { ".conv3.weight" };
    let tensor = |(tensor, shape): (String, Vec<usize>)| {
        let fan_in: usize = shape[1..].iter().product();
        let scale = if tensor.ends_with(".bias") {
            0.1
        } else {
            let gain: f64 = if tensor.ends_with(last) { 2.0 } else { 6.0 };
            (gain / fan_in as f64).sqrt() as f32
        };
        let filled = fill(&format!("{name}/{tensor}"), &shape, scale);
        (tensor, filled)
    };
    BackboneWeights { tensors: plan(architecture).expected_tensors().into_iter().map(tensor).collect() }
}
