//! Weights by a formula: `fixtures/formula_weights.py`, which says what it is, value for value.

#![expect(clippy::panic, reason = "a network that the formula has no names for must fail its test")]

use std::borrow::Cow;

use patchcore_config::backbone::plan::{ConvStep, Step};
use patchcore_config::backbone::{EfficientNetLite, Family, NetworkEntry};
use safetensors::{Dtype, View};

/// What a BatchNorm is, with centre and spread of its gamma and beta; the others are the same for all.
#[derive(Debug, Clone, Copy)]
enum Norm {
    Behind,
    InFront,
    EndsABottleneck,
    EndsABasicBlock,
}

impl Norm {
    /// `weight`, `bias`, `running_mean` and `running_var`, with centre and spread.
    fn leaves(self) -> [(&'static str, f32, f32); 4] {
        let (gamma, beta) = match self {
            Norm::Behind => ((1.0, 0.25), (0.0, 0.25)),
            Norm::InFront => ((0.0, 1.75), (0.0, 0.25)),
            Norm::EndsABottleneck => ((0.0, 0.5), (-0.375, 0.25)),
            Norm::EndsABasicBlock => ((0.0, 1.5), (-1.25, 0.25)),
        };
        [
            ("weight", gamma.0, gamma.1),
            ("bias", beta.0, beta.1),
            ("running_mean", 0.0, 0.125),
            ("running_var", 1.0, 0.5),
        ]
    }
}

/// A safetensors file as a publisher would write it, with BatchNorm beside the convolutions: torchvision's names (ResNet, DenseNet) or
/// timm's (EfficientNet-Lite), up to the first `levels` levels.
///
/// # Panics
/// For a family that it does not know.
pub fn formula_weights(network: &NetworkEntry, levels: usize, seed: u32) -> Vec<u8> {
    let mut tensors = Vec::new();
    let mut add = |name: String, shape: Vec<usize>, centre: f32, spread: f32| {
        tensors.push((name.clone(), Tensor { name: format!("{seed}/{name}"), shape, centre, spread }));
    };
    for step in &network.plan_of_levels(levels).steps {
        if let Step::Conv(conv) = step {
            let shape = conv.weight_shape();
            let fan_in: usize = shape.iter().skip(1).product();
            let spread = (6.0 / fan_in as f64).sqrt() as f32;
            add(format!("{}.weight", conv_name(network, &conv.name)), shape.to_vec(), 0.0, spread);
        }
        for (name, kind, channels) in norms(network, step) {
            for (leaf, centre, spread) in kind.leaves() {
                add(format!("{name}.{leaf}"), vec![channels], centre, spread);
            }
        }
    }
    safetensors::serialize(tensors, None).unwrap_or_else(|error| panic!("{}: {error}", network.name))
}

/// A tensor whose values are computed as they are written.
struct Tensor {
    name: String,
    shape: Vec<usize>,
    centre: f32,
    spread: f32,
}

impl Tensor {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl View for Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        for value in values(&self.name, self.len(), self.centre, self.spread) {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        4 * self.len()
    }
}

/// The tensor `name` with so many values, each `centre + spread * u` with u in [-1, 1): the image of the golden vectors is `image` with
/// centre 0 and spread 2.
pub fn formula_values(seed: u32, name: &str, count: usize, centre: f32, spread: f32) -> Vec<f32> {
    values(&format!("{seed}/{name}"), count, centre, spread).collect()
}

fn values(name: &str, count: usize, centre: f32, spread: f32) -> impl Iterator<Item = f32> {
    // FNV-1a.
    let state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (1..=count as u64).map(move |step| {
        // splitmix64.
        let mut z = state.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
        centre + spread * unit
    })
}

/// What publishers call a convolution of the plan.
fn conv_name(network: &NetworkEntry, conv: &str) -> String {
    match network.family {
        Family::ResNet(_) | Family::DenseNet(_) => conv.to_owned(),
        Family::EfficientNetLite(net) => lite(net, conv).0,
        other => panic!("no formula for {other:?}"),
    }
}

/// The BatchNorms of a step: what publishers call each, what it is, and its channels.
fn norms(network: &NetworkEntry, step: &Step) -> Vec<(String, Norm, usize)> {
    let name = step.name();
    match (network.family, step) {
        (Family::ResNet(net), Step::Conv(conv)) => {
            let kind = match (conv.add, net.expansion) {
                (None, _) => Norm::Behind,
                (Some(_), 1) => Norm::EndsABasicBlock,
                (Some(_), _) => Norm::EndsABottleneck,
            };
            let norm = match name.strip_suffix("downsample.0") {
                Some(block) => format!("{block}downsample.1"),
                None => name.replace("conv", "bn"),
            };
            vec![(norm, kind, conv.out_channels)]
        }
        (Family::EfficientNetLite(net), Step::Conv(conv)) => {
            // timm's first block, without an expansion, is of another kind, and has no sum.
            let kind = if conv.add.is_some() { Norm::EndsABottleneck } else { Norm::Behind };
            vec![(lite(net, name).1, kind, conv.out_channels)]
        }
        (Family::DenseNet(_), _) => dense(step),
        _ => Vec::new(),
    }
}

fn dense(step: &Step) -> Vec<(String, Norm, usize)> {
    let name = step.name();
    let in_front = step.prologue().unwrap_or_default();
    match step {
        Step::Conv(ConvStep { out_channels, .. }) => {
            if let Some(layer) = name.strip_suffix(".conv1") {
                let (one, two) = (format!("{layer}.norm1"), format!("{layer}.norm2"));
                return vec![(one, Norm::InFront, in_front), (two, Norm::Behind, *out_channels)];
            }
            let stem = name.strip_suffix(".conv0");
            stem.map(|head| (format!("{head}.norm0"), Norm::Behind, *out_channels)).into_iter().collect()
        }
        Step::AveragePool { .. } => vec![(name.replace(".pool", ".norm"), Norm::InFront, in_front)],
        _ => Vec::new(),
    }
}

/// timm's names of a convolution and its BatchNorm.
fn lite(net: EfficientNetLite, conv: &str) -> (String, String) {
    let Some((block, part)) = conv.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')) else {
        return ("conv_stem".to_owned(), "bn1".to_owned());
    };
    let mut within: usize = block.parse().unwrap_or_else(|_| panic!("{conv} has no block"));
    let mut stage = 0;
    for repeats in net.repeats {
        if within < repeats {
            break;
        }
        within -= repeats;
        stage += 1;
    }
    let (conv, norm) = match (part, stage) {
        ("expand", _) => ("conv_pw", "bn1"),
        ("depthwise", 0) => ("conv_dw", "bn1"),
        ("depthwise", _) => ("conv_dw", "bn2"),
        (_, 0) => ("conv_pw", "bn2"),
        _ => ("conv_pwl", "bn3"),
    };
    (format!("blocks.{stage}.{within}.{conv}"), format!("blocks.{stage}.{within}.{norm}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken from the script: `uniform("0/conv1.weight", 5)` and two with centre and spread.
    #[test]
    fn the_values_are_those_of_the_script() {
        assert_eq!(
            formula_values(0, "conv1.weight", 5, 0.0, 1.0),
            [-0.8245306, 0.88506544, 0.51382136, -0.11374915, -0.22097433]
        );
        assert_eq!(formula_values(1, "layer4.0.bn3.bias", 3, -0.375, 0.25), [-0.35300916, -0.26700938, -0.4207006]);
    }
}
