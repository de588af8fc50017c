//! Networks for tests: one of the catalogue with weights from a formula, one that is no plan, and one with a step that the CPU's
//! kernels lack.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Plan, Step, Tap};
use patchcore_config::{Architecture, BackboneWeights, NamedTensor};
use patchcore_cpu::network::oracle::{self, Planes};

use super::{Backbone, Level, LevelMap, PlanBackbone};
use crate::error::BackboneError;

/// Values in `[-1, 1)` that belong to a seed.
pub(crate) fn values(count: usize, seed: u64) -> Vec<f32> {
    let mixed = |i: u64| {
        ((i ^ seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xd134_2543_de82_ef95)
    };
    (0..count as u64).map(|i| (mixed(i) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// EfficientNet-Lite0 with weights from a formula, which keep signals alive.
pub(crate) fn lite0() -> Arc<dyn Backbone> {
    lite0_of(&Architecture::EFFICIENTNET_LITE0.default_layers())
}

/// The same with these layers tapped.
pub(crate) fn lite0_of(layers: &[&str]) -> Arc<dyn Backbone> {
    let architecture = Architecture::EFFICIENTNET_LITE0;
    let layers: Vec<String> = layers.iter().map(|layer| (*layer).to_owned()).collect();
    Arc::new(PlanBackbone::new(architecture, &layers, &lite0_weights()).unwrap())
}

pub(crate) fn lite0_weights() -> BackboneWeights {
    let architecture = Architecture::EFFICIENTNET_LITE0;
    weights(&architecture.plan(&architecture.default_layers().map(str::to_owned)).unwrap())
}

/// Weights from a formula, which keep signals alive.
pub(crate) fn weights(plan: &Plan) -> BackboneWeights {
    let tensor = |(number, (name, shape)): (usize, (String, Vec<usize>))| {
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = (3.0 / fan_in as f32).sqrt();
        let data = values(shape.iter().product(), number as u64).iter().map(|value| value * scale).collect();
        (name, NamedTensor { shape, data })
    };
    BackboneWeights { tensors: plan.expected_tensors().into_iter().enumerate().map(tensor).collect() }
}

/// A plan with a convolution in two groups of four channels, neither dense nor depthwise.
#[derive(Debug)]
pub(crate) struct Grouped {
    plan: Plan,
    weights: BackboneWeights,
    levels: Vec<Level>,
}

impl Grouped {
    #[cfg(feature = "flex")]
    pub(crate) fn new() -> Self {
        Self::of_stride(2)
    }

    /// The same with a stride of 3, which no kernel of the CPU takes.
    pub(crate) fn unsupported() -> Self {
        Self::of_stride(3)
    }

    /// Of this stride from the first level to the second.
    fn of_stride(stride: usize) -> Self {
        let conv = |name: &str, from, to, (in_channels, groups, stride): (usize, usize, usize)| {
            Step::Conv(ConvStep {
                name: name.to_owned(),
                from,
                to,
                in_channels,
                out_channels: 8,
                kernel: 3,
                stride,
                padding: Padding::Symmetric(1),
                groups,
                prologue: false,
                add: None,
                activation: Activation::Relu,
            })
        };
        let tap = |layer: &str, slot, stride| Tap { layer: layer.to_owned(), slot, channels: 8, stride };
        let steps = vec![conv("stem", 0, 1, (3, 1, 2)), conv("grouped", 1, 2, (8, 2, stride))];
        let plan = Plan { steps, taps: vec![tap("fine", 1, 2), tap("coarse", 2, 2 * stride)], slots: 3 };
        let level = |tap: &Tap| Level { name: tap.layer.clone(), channels: tap.channels, stride: tap.stride };
        let levels = plan.taps.iter().map(level).collect();
        Self { weights: weights(&plan), plan, levels }
    }
}

impl Backbone for Grouped {
    fn name(&self) -> &str {
        "grouped"
    }

    fn sha256(&self) -> &str {
        "0000000000000000000000000000000000000000000000000000000000000002"
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let image = Planes { channels: 3, height, width, data: planes.to_vec() };
        let level_map =
            |map: Planes| LevelMap { channels: map.channels, height: map.height, width: map.width, values: map.data };
        Ok(oracle::forward(&self.plan, &self.weights, image).into_iter().map(level_map).collect())
    }

    fn plan(&self) -> Option<(&Plan, &BackboneWeights)> {
        Some((&self.plan, &self.weights))
    }
}

/// A network that is no plan of convolutions: means of blocks, and their spreads. Its strides are its own.
#[derive(Debug)]
pub(crate) struct Blocks {
    levels: Vec<Level>,
    /// Photos that it has seen.
    pub(crate) forwards: AtomicUsize,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        let level = |(name, stride): (&str, usize)| Level { name: name.to_owned(), channels: 5, stride };
        Self { levels: [("fine", 7), ("coarse", 14)].map(level).to_vec(), forwards: AtomicUsize::new(0) }
    }
}

impl Backbone for Blocks {
    fn name(&self) -> &str {
        "blocks"
    }

    fn sha256(&self) -> &str {
        "0000000000000000000000000000000000000000000000000000000000000007"
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let map = |level: &Level| {
            let (rows, columns) = (height.div_ceil(level.stride), width.div_ceil(level.stride));
            let block = |channel: usize, row: usize, column: usize| {
                let places = (row * level.stride..((row + 1) * level.stride).min(height)).flat_map(|y| {
                    (column * level.stride..((column + 1) * level.stride).min(width)).map(move |x| (y, x))
                });
                let block: Vec<f32> = places.map(|(y, x)| planes[(channel % 3 * height + y) * width + x]).collect();
                let mean = block.iter().sum::<f32>() / block.len() as f32;
                if channel < 3 { mean } else { block.iter().map(|value| (value - mean).abs()).sum() }
            };
            let values = (0..5).flat_map(|channel| {
                (0..rows).flat_map(move |row| (0..columns).map(move |column| (channel, row, column)))
            });
            let values = values.map(|(channel, row, column)| block(channel, row, column)).collect();
            LevelMap { channels: 5, height: rows, width: columns, values }
        };
        self.forwards.fetch_add(1, Ordering::Relaxed);
        Ok(self.levels.iter().map(map).collect())
    }
}
