//! The executor against its oracle: random convolutions, whole networks, all instruction sets, threads and batches.
//!
//! It is long because all of it goes through one case and one oracle.

use proptest::prelude::*;

use super::grey_stem::{GREY_PLANES, push_grey_planes};
use super::oracle::{self, Planes};
use super::{CpuNetwork, CpuNetworkError, FeatureMap, MapLayout, Workspace};
use crate::Instructions;
use crate::simd::Level;
use crate::testing::{cases, with_threads};
use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Plan, PlanError, Step, Tap};
use patchcore_config::backbone::{DenseNet, Family, Level as PlanLevel, NetworkEntry, ResNet};
use patchcore_config::{Architecture, BackboneWeights, NamedTensor, Normalization};

/// Uniform values in [-1, 1) from a fixed seed (splitmix64).
pub(super) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Weights that keep a network's values near one.
pub(super) fn random_weights(plan: &Plan, seed: u64) -> BackboneWeights {
    let tensors = plan.expected_tensors().into_iter().enumerate().map(|(index, (name, shape))| {
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = if shape.len() == 1 { 0.1 } else { (2.0 / fan_in as f32).sqrt() };
        let size = shape.iter().product();
        // A prologue's factors are about one.
        let (offset, scale) = if name.ends_with(".scale") { (1.0, 0.5) } else { (0.0, scale) };
        let data = noise(seed.wrapping_add(index as u64 * 7919), size);
        let data = data.into_iter().map(|value| offset + value * scale).collect();
        (name, NamedTensor { shape, data })
    });
    BackboneWeights { tensors: tensors.collect() }
}

struct Case<'a> {
    plan: &'a Plan,
    weights: &'a BackboneWeights,
    input: &'a [f32],
    n: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl Case<'_> {
    fn run(&self, level: Level, workers: usize, layout: MapLayout) -> Vec<FeatureMap> {
        let network = CpuNetwork::with_level(level, self.plan, self.weights).unwrap();
        let mut outputs = Vec::new();
        let mut workspace = Workspace::new();
        network
            .forward_with(workers, self.input, self.n, self.height, self.width, layout, &mut workspace, &mut outputs)
            .unwrap();
        outputs
    }

    /// The largest deviation from the oracle, relative to the larger of 1 and the map's largest value.
    fn deviation(&self, level: Level, workers: usize, layout: MapLayout) -> f32 {
        let outputs = self.run(level, workers, layout);
        let mut worst = 0.0f32;
        for (image, pixels) in self.input.chunks(self.channels * self.height * self.width).enumerate() {
            let image_planes =
                Planes { channels: self.channels, height: self.height, width: self.width, data: pixels.to_vec() };
            for (output, expected) in outputs.iter().zip(oracle::forward(self.plan, self.weights, image_planes)) {
                assert_eq!(
                    (output.channels, output.height, output.width),
                    (expected.channels, expected.height, expected.width)
                );
                let area = output.height * output.width;
                let scale = expected.data.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
                for (index, value) in expected.data.iter().enumerate() {
                    let (channel, position) = (index / area, index % area);
                    let at = match layout {
                        MapLayout::ChannelsFirst => image * expected.data.len() + index,
                        MapLayout::ChannelsLast => (image * area + position) * output.channels + channel,
                    };
                    let difference = (output.data[at] - value).abs() / scale;
                    assert!(difference.is_finite());
                    worst = worst.max(difference);
                }
            }
        }
        worst
    }
}

pub(super) fn conv(
    name: &str,
    from: usize,
    to: usize,
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
) -> ConvStep {
    ConvStep {
        name: name.into(),
        from,
        to,
        in_channels: channels.0,
        out_channels: channels.1,
        kernel,
        stride,
        padding: Padding::Symmetric(kernel / 2),
        groups: 1,
        prologue: false,
        add: None,
        activation: Activation::Identity,
    }
}

pub(super) fn tap(slot: usize, channels: usize, stride: usize) -> Tap {
    Tap { layer: format!("slot{slot}"), slot, channels, stride }
}

prop_compose! {
    /// Groups that share a block, that fill blocks, and that lie across them.
    fn convolution_in_groups()(
        usual in prop::sample::select(vec![4usize, 8, 16, 32, 48]),
        others in prop::sample::select(vec![(1usize, 2usize), (2, 2), (12, 12), (3, 5), (24, 8), (16, 32), (64, 16)]),
        is_usual in any::<bool>(),
        groups in 2usize..7,
        kernel in prop::sample::select(vec![1usize, 3, 3, 3, 5]),
        stride in 1usize..=2,
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::Relu6]),
    ) -> ConvStep {
        let (inputs, outputs) = if is_usual { (usual, usual) } else { others };
        let channels = (groups * inputs, groups * outputs);
        ConvStep { groups, activation, ..conv("a", 0, 1, channels, kernel, stride) }
    }
}

prop_compose! {
    /// A stem, layers that each add channels to the map, a transition, and a convolution that reads the joined map beyond its edge.
    fn dense_block()(
        stem in prop::sample::select(vec![16usize, 32, 20, 7]),
        growth in prop::sample::select(vec![16usize, 32, 12]),
        layers in 1usize..4,
        outputs in 1usize..40,
        stride in 1usize..=2,
        copies in any::<bool>(),
    ) -> Plan {
        let mut steps = vec![Step::Conv(ConvStep { activation: Activation::Relu, ..conv("stem", 0, 1, (3, stem), 3, 1) })];
        let (mut at, mut slots, mut channels) = (1, 2, stem);
        let mut taps = vec![tap(1, stem, 1)];
        for layer in 0..layers {
            let narrow = ConvStep { prologue: true, ..conv(&format!("narrow{layer}"), at, slots, (channels, 24), 1, 1) };
            // What is added a layer later also stands alone behind the stem's map, for which it must not move.
            let other = Step::Concat { from: at, with: slots + 1, to: slots + 3, channels: (channels, growth) };
            steps.extend([
                Step::Conv(ConvStep { activation: Activation::Relu, ..narrow }),
                Step::Conv(conv(&format!("wide{layer}"), slots, slots + 1, (24, growth), 3, 1)),
                Step::Concat { from: at, with: slots + 1, to: slots + 2, channels: (channels, growth) },
            ]);
            if copies {
                steps.push(other);
                taps.push(tap(slots + 3, channels + growth, 1));
            }
            (at, slots, channels) = (slots + 2, slots + 4, channels + growth);
        }
        taps.push(tap(at, channels, 1));
        let pool = Step::AveragePool { name: "pool".into(), from: at, to: slots, channels };
        steps.extend([
            pool,
            Step::Conv(ConvStep { prologue: true, ..conv("mix", slots, slots + 1, (channels, outputs), 1, 1) }),
            Step::Conv(conv("beyond", at, slots + 2, (channels, outputs), 3, stride)),
        ]);
        taps.extend([tap(slots, channels, 2), tap(slots + 1, outputs, 2), tap(slots + 2, outputs, stride)]);
        Plan { steps, taps, slots: slots + 3 }
    }
}

prop_compose! {
    fn convolution()(
        in_channels in 1usize..50,
        out_channels in 1usize..70,
        kernel in prop::sample::select(vec![1usize, 2, 3, 5, 7]),
        stride in 1usize..=2,
        pad in 0usize..4,
        same in any::<bool>(),
        depthwise in any::<bool>(),
        usual in any::<bool>(),
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::Relu6]),
    ) -> ConvStep {
        // Half of the cases have the padding of the networks, so that Winograd gets its share.
        let padding = if usual { Padding::Symmetric(kernel / 2) } else if same { Padding::Same } else { Padding::Symmetric(pad) };
        let (out_channels, groups) = if depthwise { (in_channels, in_channels) } else { (out_channels, 1) };
        ConvStep { padding, groups, activation, ..conv("a", 0, 1, (in_channels, out_channels), kernel, stride) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128), failure_persistence: None, ..ProptestConfig::default() })]

    /// One convolution, then the same again with the first as its residual.
    #[test]
    fn convolutions_agree_with_the_oracle(
        first in convolution(),
        height in 1usize..22,
        width in 1usize..22,
        n in 1usize..6,
        workers in 1usize..4,
        last in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let second = ConvStep { name: "b".into(), to: 2, add: Some(1), ..first.clone() };
        let (channels, outputs, stride) = (first.in_channels, first.out_channels, first.stride);
        let plan = Plan {
            steps: vec![Step::Conv(first), Step::Conv(second)],
            taps: vec![tap(1, outputs, stride), tap(2, outputs, stride)],
            slots: 3,
        };
        let weights = random_weights(&plan, seed);
        let input = noise(seed ^ 1, n * channels * height * width);
        let case = Case { plan: &plan, weights: &weights, input: &input, n, channels, height, width };
        let layout = if last { MapLayout::ChannelsLast } else { MapLayout::ChannelsFirst };
        for level in Level::available_for_floats() {
            // Winograd's rounding on values near one; a direct sum stays ten times below.
            let deviation = case.deviation(level, workers, layout);
            prop_assert!(deviation < 2e-5, "{level:?}: {deviation:e}");
        }
    }

    #[test]
    fn max_pools_agree_with_the_oracle(
        channels in 1usize..40,
        height in 1usize..20,
        width in 1usize..20,
        n in 1usize..6,
        seed in any::<u64>(),
    ) {
        let plan = Plan {
            steps: vec![Step::Conv(conv("a", 0, 1, (3, channels), 1, 1)), Step::MaxPool { from: 1, to: 2 }],
            taps: vec![tap(2, channels, 2)],
            slots: 3,
        };
        let weights = random_weights(&plan, seed);
        let input = noise(seed ^ 1, n * 3 * height * width);
        let case = Case { plan: &plan, weights: &weights, input: &input, n, channels: 3, height, width };
        for level in Level::available_for_floats() {
            prop_assert!(case.deviation(level, 2, MapLayout::ChannelsFirst) < 1e-6);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(40), failure_persistence: None, ..ProptestConfig::default() })]

    /// One convolution in groups, then the same again with the first as its residual.
    #[test]
    fn convolutions_in_groups_agree_with_the_oracle(
        first in convolution_in_groups(),
        height in 1usize..14,
        width in 1usize..14,
        n in 1usize..4,
        workers in 1usize..4,
        seed in any::<u64>(),
    ) {
        let second = ConvStep { name: "b".into(), to: 2, add: Some(1), ..first.clone() };
        let (channels, outputs, stride) = (first.in_channels, first.out_channels, first.stride);
        let plan = Plan {
            steps: vec![Step::Conv(first), Step::Conv(second)],
            taps: vec![tap(1, outputs, stride), tap(2, outputs, stride)],
            slots: 3,
        };
        let weights = random_weights(&plan, seed);
        let input = noise(seed ^ 1, n * channels * height * width);
        let case = Case { plan: &plan, weights: &weights, input: &input, n, channels, height, width };
        for level in Level::available_for_floats() {
            let deviation = case.deviation(level, workers, MapLayout::ChannelsLast);
            prop_assert!(deviation < 2e-5, "{level:?}: {deviation:e}");
        }
    }

    /// Maps that grow where they lie, and copies where that is not possible: for a second map behind the same, and where blocks
    /// are not whole.
    #[test]
    fn dense_blocks_agree_with_the_oracle(
        plan in dense_block(),
        height in 1usize..9,
        width in 1usize..9,
        n in 1usize..5,
        workers in 1usize..4,
        seed in any::<u64>(),
    ) {
        let (height, width) = (2 * height, 2 * width);
        let weights = random_weights(&plan, seed);
        let input = noise(seed ^ 1, n * 3 * height * width);
        let case = Case { plan: &plan, weights: &weights, input: &input, n, channels: 3, height, width };
        for level in Level::available_for_floats() {
            let deviation = case.deviation(level, workers, MapLayout::ChannelsFirst);
            prop_assert!(deviation < 5e-5, "{level:?}: {deviation:e}");
        }
    }
}

pub(super) fn plan_of(architecture: Architecture) -> Plan {
    let layers: Vec<String> = architecture.default_layers().iter().map(|layer| (*layer).to_owned()).collect();
    architecture.plan(&layers).unwrap()
}

/// Narrow networks of the families whose real ones take too long, down to stride 16.
fn narrow_plans() -> [(&'static str, Plan); 2] {
    let levels = |names: [&'static str; 4], channels: [usize; 4]| -> &'static [PlanLevel] {
        let levels = names.into_iter().zip(channels).zip([4, 8, 16, 32]);
        levels.map(|((name, channels), stride)| PlanLevel { name, channels, stride }).collect::<Vec<_>>().leak()
    };
    let plan = |family, levels| NetworkEntry { family, levels, ..*Architecture::RESNET18.entry() }.plan_of_levels(3);
    let resnext = ResNet { blocks: [1, 2, 2, 1], expansion: 2, stem: 16, width: 32, groups: 8 };
    let densenet = DenseNet { layers: [2, 3, 2, 1], growth: 16, stem: 32 };
    [
        (
            "ResNeXt",
            plan(Family::ResNet(resnext), levels(["layer1", "layer2", "layer3", "layer4"], [32, 64, 128, 256])),
        ),
        (
            "DenseNet",
            plan(
                Family::DenseNet(densenet),
                levels(["denseblock1", "denseblock2", "denseblock3", "denseblock4"], [64, 80, 72, 52]),
            ),
        ),
    ]
}

#[test]
fn whole_networks_agree_with_the_oracle_at_odd_sizes() {
    for (architecture, sizes) in [
        (Architecture::RESNET18, [(1, 1), (2, 3), (37, 61), (65, 33)].as_slice()),
        (Architecture::EFFICIENTNET_LITE0, &[(1, 1), (3, 2), (37, 61), (66, 33)]),
        (Architecture::RESNET50, &[(33, 31)]),
    ] {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 5);
        for &(height, width) in sizes {
            let input = noise(6, 3 * height * width);
            let case = Case { plan: &plan, weights: &weights, input: &input, n: 1, channels: 3, height, width };
            let deviation = case.deviation(Level::at_most(Instructions::native()), 2, MapLayout::ChannelsFirst);
            assert!(deviation < 1e-4, "{architecture:?} {height}x{width}: {deviation:e}");
        }
    }
    for (name, plan) in narrow_plans() {
        let weights = random_weights(&plan, 5);
        for (height, width) in [(16, 32), (48, 80)] {
            let input = noise(6, 2 * 3 * height * width);
            let case = Case { plan: &plan, weights: &weights, input: &input, n: 2, channels: 3, height, width };
            for level in Level::available_for_floats() {
                let deviation = case.deviation(level, 3, MapLayout::ChannelsFirst);
                assert!(deviation < 1e-4, "{name} {height}x{width} {level:?}: {deviation:e}");
            }
        }
    }
}

/// The colour network on three equal channels is the definition; whatever the border and the cut into tiles.
#[test]
fn grey_images_agree_with_the_oracle_on_three_equal_channels() {
    for (architecture, normalization) in [
        (Architecture::RESNET18, Normalization::IMAGENET),
        (Architecture::EFFICIENTNET_LITE0, Normalization::IMAGENET),
        (Architecture::EFFICIENTNET_LITE0, Normalization::EFFICIENTNET_LITE),
    ] {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 3);
        for (height, width) in [(1, 1), (2, 9), (37, 61), (64, 96)] {
            let area = height * width;
            let grey: Vec<f32> = noise(4, 2 * area).iter().map(|value| value.abs()).collect();
            let mut planes = Vec::new();
            grey.chunks(area).for_each(|pixels| push_grey_planes(&normalization, pixels, &mut planes));
            for level in Level::available_for_floats() {
                let network = CpuNetwork::with_level(level, &plan, &weights).unwrap();
                let network = network.with_grey_stem(&plan, &weights, &normalization).unwrap();
                let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
                let layout = MapLayout::ChannelsFirst;
                // Colour before grey: what a workspace held before must not matter.
                let colour = vec![0.5; 2 * 3 * area];
                network.forward_with(2, &colour, 2, height, width, layout, &mut workspace, &mut outputs).unwrap();
                network.forward_with(2, &planes, 2, height, width, layout, &mut workspace, &mut outputs).unwrap();
                for (image, pixels) in grey.chunks(area).enumerate() {
                    let mut data = pixels.repeat(3);
                    normalization.apply(&mut data);
                    let expected = oracle::forward(&plan, &weights, Planes { channels: 3, height, width, data });
                    for (output, expected) in outputs.iter().zip(expected) {
                        let found = &output.data[image * expected.data.len()..][..expected.data.len()];
                        let scale = expected.data.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
                        for (found, expected) in found.iter().zip(&expected.data) {
                            let off = (found - expected).abs() / scale;
                            assert!(off < 1e-4, "{architecture:?} {level:?} {height}x{width}: {off:e}");
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Sets that fuse multiplication and addition agree with each other, those that round twice too, and each kind with itself on
/// every architecture: the digests are the same on x86-64, aarch64 and wasm32.
#[test]
fn features_of_colour_photos_are_the_same_bits_on_every_processor_that_fuses() {
    let mut others: Vec<String> = Vec::new();
    let [resnext, densenet] = narrow_plans();
    let named = |architecture: Architecture| (architecture.name(), plan_of(architecture));
    for ((architecture, plan), (height, width), fused, rounded_twice) in [
        (named(Architecture::RESNET18), (61, 75), 0x8f27_3998_c661_8a2a_u64, 0x9aa0_81c2_3733_8f7d_u64),
        (named(Architecture::EFFICIENTNET_LITE0), (61, 75), 0xf921_eecd_bbd5_ec80, 0x3dac_4897_d79e_b9c9),
        (resnext, (61, 75), 0x11ae_9cb7_cd16_7f75, 0x8fcf_f63a_ff38_b4b0),
        (densenet, (64, 80), 0x9bd9_b91f_f64c_f9a8, 0xc3cf_978e_878c_e076),
    ] {
        let weights = random_weights(&plan, 21);
        let input = noise(22, 3 * height * width);
        for level in Level::available_for_floats() {
            let network = CpuNetwork::with_level(level, &plan, &weights).unwrap();
            let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
            let layout = MapLayout::ChannelsFirst;
            network.forward_with(1, &input, 1, height, width, layout, &mut workspace, &mut outputs).unwrap();
            let values = outputs.iter().flat_map(|output| bits(&output.data));
            // FNV-1a, a value at a time.
            let digest = values.fold(0xcbf2_9ce4_8422_2325_u64, |digest, value| {
                (digest ^ u64::from(value)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            let expected = if level.is_fused() { fused } else { rounded_twice };
            if digest != expected {
                others.push(format!("{architecture} {level:?}: {digest:#x}"));
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn features_depend_on_neither_threads_nor_batch() {
    let of = [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0, Architecture::RESNET50];
    let plans = of.map(|architecture| (architecture.name(), plan_of(architecture), (70, 50)));
    let narrow = narrow_plans().map(|(name, plan)| (name, plan, (64, 48)));
    for (architecture, plan, (height, width)) in plans.into_iter().chain(narrow) {
        let weights = random_weights(&plan, 8);
        let n = 7;
        for (level, planes) in
            Level::available_for_floats().into_iter().flat_map(|level| [(level, 3), (level, GREY_PLANES)])
        {
            let input = noise(9, n * planes * height * width);
            let network = CpuNetwork::with_level(level, &plan, &weights).unwrap();
            let network = network.with_grey_stem(&plan, &weights, &Normalization::IMAGENET).unwrap();
            let mut workspace = Workspace::new();
            let mut run = |workers: usize, input: &[f32], n: usize| {
                let mut outputs = Vec::new();
                network
                    .forward_with(
                        workers,
                        input,
                        n,
                        height,
                        width,
                        MapLayout::ChannelsLast,
                        &mut workspace,
                        &mut outputs,
                    )
                    .unwrap();
                outputs
            };
            let whole = run(1, &input, n);
            for workers in [2, 3, 8] {
                for (a, b) in run(workers, &input, n).iter().zip(&whole) {
                    assert!(bits(&a.data) == bits(&b.data), "{architecture:?}, {level:?}, {workers} threads");
                }
            }
            for (image, pixels) in input.chunks(planes * height * width).enumerate() {
                for (alone, batch) in run(1 + image % 3, pixels, 1).iter().zip(&whole) {
                    let size = alone.data.len();
                    let same = bits(&alone.data) == bits(&batch.data[image * size..(image + 1) * size]);
                    assert!(same, "{architecture:?}, {level:?}, image {image}");
                }
            }
        }
    }
}

/// From a cache that holds no tile to one that holds every map: the work is cut otherwise, the sums are not.
#[test]
fn features_do_not_depend_on_the_size_of_the_cache() {
    let of = [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0, Architecture::RESNET50];
    let plans = of.map(|architecture| (architecture.name(), plan_of(architecture), (65, 97)));
    let narrow = narrow_plans().map(|(name, plan)| (name, plan, (64, 96)));
    for (architecture, plan, (height, width)) in plans.into_iter().chain(narrow) {
        let weights = random_weights(&plan, 8);
        let input = noise(9, 3 * height * width);
        for level in Level::available_for_floats() {
            let mut network = CpuNetwork::with_level(level, &plan, &weights).unwrap();
            let mut workspace = Workspace::new();
            let mut seen = None;
            for (second_level, workers) in [(1, 1), (1 << 18, 2), (1 << 20, 1), (1 << 20, 3), (1 << 24, 2)] {
                network.second_level = second_level;
                let (layout, mut outputs) = (MapLayout::ChannelsLast, Vec::new());
                network.forward_with(workers, &input, 1, height, width, layout, &mut workspace, &mut outputs).unwrap();
                let found: Vec<Vec<u32>> = outputs.iter().map(|map| bits(&map.data)).collect();
                let same = *seen.get_or_insert_with(|| found.clone()) == found;
                assert!(same, "{architecture:?}, {level:?}, {second_level} bytes, {workers} threads");
            }
        }
    }
}

#[test]
fn memory_is_reused() {
    let plan = plan_of(Architecture::RESNET18);
    let network = CpuNetwork::new(Instructions::native(), &plan, &random_weights(&plan, 1)).unwrap();
    let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
    let mut seen = None;
    // One worker: a second one makes room at its first image, which on a busy machine can come late.
    for round in 0..4 {
        let input = noise(round, 2 * 3 * 64 * 64);
        let layout = MapLayout::ChannelsFirst;
        with_threads(1, || network.forward(&input, 2, 64, 64, layout, &mut workspace, &mut outputs)).unwrap();
        let addresses: Vec<*const f32> = outputs.iter().map(|map| map.data.as_ptr()).collect();
        let now = (workspace.bytes(), addresses);
        assert_eq!(*seen.get_or_insert_with(|| now.clone()), now);
    }
}

/// Pages that the calling thread has asked the kernel for. Other targets' tests may run in an emulator, whose own are counted.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn page_faults() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // `minflt`, the eighth field after the name in brackets.
    let (_, fields) = status.rsplit_once(") ").unwrap();
    fields.split(' ').nth(7).unwrap().parse().unwrap()
}

/// Buffers that were given back to the allocator and taken again would cost a fault a page: hundreds in each call.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_stream_of_images_takes_no_page_faults() {
    let fresh = page_faults();
    // More than the allocator ever keeps for the next one who asks.
    drop(std::hint::black_box(vec![1_u8; 1 << 26]));
    assert!(page_faults() > fresh, "the counter counts");
    for architecture in [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0] {
        let plan = plan_of(architecture);
        let network = CpuNetwork::new(Instructions::native(), &plan, &random_weights(&plan, 1)).unwrap();
        for (threads, images) in [(1, 1), (2, 1), (2, 3)] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
            let input = noise(2, images * 3 * 96 * 128);
            let mut rounds = Vec::new();
            for _ in 0..16 {
                let before: u64 = pool.broadcast(|_| page_faults()).iter().sum();
                for _ in 0..5 {
                    let layout = MapLayout::ChannelsLast;
                    pool.install(|| network.forward(&input, images, 96, 128, layout, &mut workspace, &mut outputs))
                        .unwrap();
                }
                rounds.push(pool.broadcast(|_| page_faults()).iter().sum::<u64>() - before);
            }
            // Reading the counter may take a page, and a worker that comes late makes room late: not in every round.
            let quiet = rounds.iter().filter(|faults| **faults <= 2).count();
            assert!(2 * quiet >= rounds.len(), "{architecture:?}, {threads} threads, {images} images: {rounds:?}");
        }
    }
}

/// The bound holds for every network of the catalogue, and says something.
#[test]
fn a_forward_pass_stays_within_its_bytes() {
    let of = [Architecture::EFFICIENTNET_LITE0, Architecture::RESNET18, Architecture::WIDE_RESNET50_2];
    let plans = of.map(|architecture| (architecture.name(), plan_of(architecture), (97, 131)));
    let others = ["resnext50_32x4d", "densenet121"]
        .map(|name| (name, plan_of(Architecture::from_name(name).unwrap()), (96, 144)));
    for (architecture, plan, other) in plans.into_iter().chain(others) {
        let network = CpuNetwork::new(Instructions::native(), &plan, &random_weights(&plan, 1)).unwrap();
        for (height, width) in [(160, 224), other] {
            let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
            let input = noise(1, 3 * height * width);
            let layout = MapLayout::ChannelsLast;
            with_threads(1, || network.forward(&input, 1, height, width, layout, &mut workspace, &mut outputs))
                .unwrap();
            let scratch: usize = workspace.memory.arenas.iter().map(|arena| arena.scratch.len()).sum();
            let values = input.len() + outputs.iter().map(|map| map.data.len()).sum::<usize>();
            let took = (workspace.bytes() - 4 * scratch + 4 * values) as u64;
            let bound = CpuNetwork::forward_bytes(&plan, height, width).unwrap();
            assert!((took..took + took / 4).contains(&bound), "{architecture:?} {height} {width}: {took} {bound}");
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let mut plan = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 1))], taps: vec![tap(1, 8, 1)], slots: 2 };
    let weights = random_weights(&plan, 1);
    let missing = CpuNetwork::new(Instructions::native(), &plan, &BackboneWeights::default()).err();
    assert_eq!(missing, Some(CpuNetworkError::Tensor { name: "a.weight".into(), size: 216, found: None }));

    let network = CpuNetwork::new(Instructions::native(), &plan, &weights).unwrap();
    let (mut workspace, mut outputs) = (Workspace::new(), Vec::new());
    for (values, n, height, width) in [(47, 1, 4, 4), (0, 1, 0, 4), (48, 2, 4, 4)] {
        let input = vec![0.0; values];
        let result = network.forward(&input, n, height, width, MapLayout::ChannelsFirst, &mut workspace, &mut outputs);
        assert!(matches!(result, Err(CpuNetworkError::InputSize { .. })), "{n} {height} {width}");
    }
    network.forward(&[], 0, 4, 4, MapLayout::ChannelsFirst, &mut workspace, &mut outputs).unwrap();
    assert!(outputs[0].data.is_empty());

    let residual = ConvStep { add: Some(1), stride: 2, ..conv("b", 0, 2, (3, 8), 3, 1) };
    let steps = vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 1)), Step::Conv(residual)];
    let adding = Plan { steps, taps: vec![tap(2, 8, 2)], slots: 3 };
    let error = CpuNetwork::new(Instructions::native(), &adding, &random_weights(&adding, 1)).err().unwrap();
    assert!(matches!(error, CpuNetworkError::Plan(PlanError::Residual { slot: 1, .. })), "{error}");
    // Odd sides alone come out different: a window of 2 without padding against one of 3 with it.
    let halves = ConvStep { stride: 2, padding: Padding::Symmetric(0), ..conv("a", 0, 1, (3, 8), 2, 1) };
    let steps =
        vec![Step::Conv(halves), Step::Conv(ConvStep { add: Some(1), stride: 2, ..conv("b", 0, 2, (3, 8), 3, 1) })];
    let adding = Plan { steps, taps: vec![tap(2, 8, 2)], slots: 3 };
    let adding = CpuNetwork::new(Instructions::native(), &adding, &random_weights(&adding, 1)).unwrap();
    let mut run = |side: usize| {
        let layout = MapLayout::ChannelsFirst;
        adding.forward(&vec![0.0; 3 * side * side], 1, side, side, layout, &mut workspace, &mut outputs)
    };
    assert_eq!(run(4), Ok(()));
    assert!(matches!(run(5), Err(CpuNetworkError::Plan(PlanError::Residual { slot: 1, .. }))));

    let wide = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 1))], taps: vec![tap(1, 9, 1)], slots: 2 };
    let fault = CpuNetwork::new(Instructions::native(), &wide, &weights).err().unwrap();
    assert!(matches!(fault, CpuNetworkError::Plan(PlanError::Channels { expected: 9, found: 8, .. })), "{fault}");

    plan.steps = vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 3))];
    plan.taps = vec![tap(1, 8, 3)];
    assert_eq!(
        CpuNetwork::new(Instructions::native(), &plan, &weights).err(),
        Some(CpuNetworkError::Unsupported { step: "a".into() })
    );
}
