//! The 8-bit network against its oracle, bit for bit, and its oracle against the network of `f32`.

use proptest::prelude::*;

use super::super::oracle::{self as float_oracle, Planes};
use super::super::tests::{bits, conv, noise, plan_of, random_weights, tap};
use super::super::{CpuNetwork, CpuNetworkError, FeatureMap, MapLayout, Workspace};
use super::matrix_unit::MatrixUnit;
use super::{ReducedNetwork, ReducedWorkspace, oracle, ranges_of};
use crate::Instructions;
use crate::testing::cases;
use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Plan, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};
use patchcore_config::{Architecture, BackboneWeights, Normalization};

/// Normalised planes of a photo of 8 bits.
pub(super) fn photo(seed: u64, area: usize) -> Vec<f32> {
    let pixel = |value: &f32| ((value + 1.0) * 127.5).round() / 255.0;
    let mut planes: Vec<f32> = noise(seed, 3 * area).iter().map(pixel).collect();
    Normalization::IMAGENET.apply(&mut planes);
    planes
}

/// The policy's ranges for a plan on these images.
fn ranges_on(plan: &Plan, weights: &BackboneWeights, input: &[f32], height: usize, width: usize) -> ActivationRanges {
    let network = CpuNetwork::new(Instructions::Portable, plan, weights).unwrap();
    let mut seen = ActivationRanges::nothing_seen(plan);
    let n = input.len() / (3 * height * width);
    network.observe(input, n, height, width, &mut Workspace::new(), &mut seen).unwrap();
    ranges_of(plan, &Normalization::IMAGENET, &seen).unwrap()
}

/// Relative error of the root of the mean square.
pub(super) fn deviation(found: &[f32], expected: &[f32]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
    let off = squares(&mut found.iter().zip(expected).map(|(found, expected)| found - expected));
    (off / squares(&mut expected.iter().copied())).sqrt()
}

#[test]
fn what_is_observed_is_the_least_and_the_largest_value_of_every_slot() {
    for architecture in [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0] {
        let mut plan = plan_of(architecture);
        let weights = random_weights(&plan, 4);
        let (height, width) = (45, 37);
        let input = photo(1, 3 * height * width);
        let network = CpuNetwork::new(Instructions::native(), &plan, &weights).unwrap();
        let (mut workspace, mut seen) = (Workspace::new(), ActivationRanges::nothing_seen(&plan));
        let (first, rest) = input.split_at(3 * height * width);
        network.observe(first, 1, height, width, &mut workspace, &mut seen).unwrap();
        network.observe(rest, 2, height, width, &mut workspace, &mut seen).unwrap();
        // The same network with every slot tapped but the image, which is stored otherwise when it is.
        let mut channels = vec![3; plan.slots];
        let mut strides = vec![1; plan.slots];
        for step in &plan.steps {
            channels[step.to()] = step.conv().map_or(channels[step.from()], |conv| conv.out_channels);
            strides[step.to()] = strides[step.from()] * step.window().stride;
        }
        plan.taps = (1..plan.slots).map(|slot| tap(slot, channels[slot], strides[slot])).collect();
        let network = CpuNetwork::new(Instructions::native(), &plan, &weights).unwrap();
        let mut outputs = Vec::new();
        let layout = MapLayout::ChannelsLast;
        network.forward(&input, 3, height, width, layout, &mut workspace, &mut outputs).unwrap();
        assert_eq!(seen.slots.len(), plan.slots);
        for (range, planes) in seen.slots[0].channels().zip(0..3) {
            let of_image = |image: usize| &input[(3 * image + planes) * height * width..][..height * width];
            let values = || (0..3).flat_map(of_image).copied();
            assert_eq!(range, (values().fold(0.0, f32::min), values().fold(0.0, f32::max)));
        }
        for (slot, (range, map)) in seen.slots.iter().skip(1).zip(&outputs).enumerate() {
            let of = |channel: usize| map.data.iter().copied().skip(channel).step_by(map.channels);
            let least: Vec<f32> = (0..map.channels).map(|channel| of(channel).fold(0.0, f32::min)).collect();
            let largest: Vec<f32> = (0..map.channels).map(|channel| of(channel).fold(0.0, f32::max)).collect();
            assert!(range.low == least && range.high == largest, "{architecture:?} slot {}", slot + 1);
        }
    }
}

#[test]
fn ranges_of_another_plan_are_refused() {
    let plan = plan_of(Architecture::RESNET18);
    let weights = random_weights(&plan, 4);
    let network = CpuNetwork::new(Instructions::native(), &plan, &weights).unwrap();
    let input = photo(1, 16 * 16);
    let sound = ranges_on(&plan, &weights, &input, 16, 16);
    let observe = |ranges: &mut ActivationRanges| network.observe(&input, 1, 16, 16, &mut Workspace::new(), ranges);
    assert_eq!(observe(&mut sound.clone()), Ok(()));
    let spoil = |spoil: &dyn Fn(&mut Vec<ChannelRanges>)| {
        let mut ranges = sound.clone();
        spoil(&mut ranges.slots);
        ranges
    };
    let last = plan.slots - 1;
    for ranges in [
        spoil(&|slots| slots.truncate(last)),
        spoil(&|slots| _ = slots[2].low.pop()),
        spoil(&|slots| _ = slots[3].high.pop()),
    ] {
        let fault = ranges.check(&plan).map_err(CpuNetworkError::from);
        assert!(fault.is_err());
        assert_eq!(observe(&mut ranges.clone()), fault);
        assert_eq!(ReducedNetwork::int8(Instructions::native(), &plan, &weights, &ranges).map(|_| ()), fault);
        assert_eq!(ranges_of(&plan, &Normalization::IMAGENET, &ranges).map(|_| ()), fault);
    }
    let ranges = spoil(&|slots| (slots[1].low[7], slots[1].high[7]) = (0.5, 1.0));
    assert!(ReducedNetwork::int8(Instructions::native(), &plan, &weights, &ranges).is_err());
}

/// All values are whole numbers, so that the 8-bit network computes what the definition of a convolution says.
#[test]
fn whole_numbers_come_out_as_they_are() {
    // 3 channels of pixels in steps of 1, weights in steps of 1 with 127 among them, outputs in steps of 2.
    let last = ConvStep { activation: Activation::Identity, ..conv("b", 1, 2, (2, 1), 1, 1) };
    let plan = Plan {
        steps: vec![Step::Conv(conv("a", 0, 1, (3, 2), 1, 1)), Step::Conv(last)],
        taps: vec![tap(1, 2, 1), tap(2, 1, 1)],
        slots: 3,
    };
    let mut weights = random_weights(&plan, 1);
    let mut set = |name: &str, values: &[f32]| weights.tensors.get_mut(name).unwrap().data = values.to_vec();
    set("a.weight", &[127.0, 0.0, -1.0, 0.0, -127.0, 2.0]);
    set("a.bias", &[4.0, 1.0]);
    set("b.weight", &[127.0, -1.0]);
    set("b.bias", &[0.5]);
    let range =
        |low: f32, high: f32, channels: usize| ChannelRanges { low: vec![low; channels], high: vec![high; channels] };
    let slots = vec![range(-10.0, 245.0, 3), range(-200.0, 310.0, 2), range(0.0, 1.0, 1)];
    let data = vec![-10.0, 0.0, 3.0, 1.0, 2.0, 0.0, 0.0, 5.0, 245.0];
    let image = Planes { channels: 3, height: 1, width: 3, data };
    let found = oracle::forward(&plan, &weights, &ActivationRanges { slots }, &image).unwrap();
    // Before 8 bits: 127 x - z + 4 and -127 y + 2 z + 1.
    assert_eq!(found[0].data, [-1266.0, -1.0, 140.0, -126.0, -243.0, 491.0]);
    // In steps of 2 from -200 to 310, halves to even: -200, 0 (-1 / 2 = -0.5), 140; -126, -200, 310.
    assert_eq!(found[1].data, [-25273.5, 200.5, 17470.5]);
}

/// A photo of 8 bits enters as it is, whatever the normalisation.
#[test]
fn photos_enter_without_loss() {
    for normalization in [
        Normalization::IMAGENET,
        Normalization::EFFICIENTNET_LITE,
        Normalization { mean: [0.1 / 255.0, 127.5 / 255.0, 1.0], std: [1.0, 0.01, 3.0] },
    ] {
        let plan = Plan { steps: Vec::new(), taps: vec![tap(0, 3, 1)], slots: 1 };
        let mut planes: Vec<f32> = (0..3).flat_map(|_| (0..256).map(|value| value as f32 / 255.0)).collect();
        normalization.apply(&mut planes);
        let seen = ActivationRanges::nothing_seen(&plan);
        let ranges = ranges_of(&plan, &normalization, &seen).unwrap();
        let image = Planes { channels: 3, height: 1, width: 256, data: planes.clone() };
        let found = &oracle::forward(&plan, &BackboneWeights::default(), &ranges, &image).unwrap()[0];
        let distinct = found.data.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(distinct, 3 * 256 - 1, "{normalization:?}");
        for (found, expected) in found.data.iter().zip(&planes) {
            assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "{normalization:?}: {found} {expected}");
        }
    }
}

#[test]
fn the_oracle_is_near_the_network_of_floats() {
    for (architecture, most) in
        [(Architecture::RESNET18, 0.08), (Architecture::EFFICIENTNET_LITE0, 0.2), (Architecture::RESNET50, 0.08)]
    {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 11);
        let (height, width) = (48, 40);
        let data = photo(12, height * width);
        let ranges = ranges_on(&plan, &weights, &data, height, width);
        let image = Planes { channels: 3, height, width, data };
        let found = oracle::forward(&plan, &weights, &ranges, &image).unwrap();
        for (found, expected) in found.iter().zip(float_oracle::forward(&plan, &weights, image)) {
            let off = deviation(&found.data, &expected.data);
            assert!(off < most, "{architecture:?}: {off}");
            assert!(off > 1e-4, "8 bits are fewer than 24: {off}");
        }
    }
}

/// A network's features for a batch on so many threads.
pub(super) fn run(network: &ReducedNetwork, workers: usize, input: &[f32], sides: (usize, usize)) -> Vec<FeatureMap> {
    let (mut workspace, mut outputs) = (ReducedWorkspace::new(), Vec::new());
    let (height, width) = sides;
    let n = input.len() / (3 * height * width);
    network.forward_with(workers, input, n, height, width, &mut workspace, &mut outputs).unwrap();
    outputs
}

/// What the oracle gives for a batch, channels last.
pub(super) fn expected_of(
    plan: &Plan,
    weights: &BackboneWeights,
    ranges: &ActivationRanges,
    input: &[f32],
    (height, width): (usize, usize),
) -> Vec<FeatureMap> {
    let mut outputs = vec![FeatureMap::default(); plan.taps.len()];
    for pixels in input.chunks_exact(3 * height * width) {
        let image = Planes { channels: 3, height, width, data: pixels.to_vec() };
        for (output, map) in outputs.iter_mut().zip(oracle::forward(plan, weights, ranges, &image).unwrap()) {
            let area = map.height * map.width;
            (output.channels, output.height, output.width) = (map.channels, map.height, map.width);
            output.layout = MapLayout::ChannelsLast;
            for position in 0..area {
                output.data.extend(map.data.iter().skip(position).step_by(area));
            }
        }
    }
    outputs
}

pub(super) fn same_bits(found: &[FeatureMap], expected: &[FeatureMap]) -> bool {
    let shape = |map: &FeatureMap| (map.channels, map.height, map.width, map.layout);
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| shape(a) == shape(b) && bits(&a.data) == bits(&b.data))
}

/// Holds every instruction set to the oracle, bit for bit.
pub(super) fn check(
    plan: &Plan,
    weights: &BackboneWeights,
    ranges: &ActivationRanges,
    input: &[f32],
    sides: (usize, usize),
    workers: usize,
) -> Result<(), TestCaseError> {
    let expected = expected_of(plan, weights, ranges, input, sides);
    for (level, unit) in MatrixUnit::all() {
        let network = ReducedNetwork::int8_with_level(level, unit, plan, weights, ranges).unwrap();
        let found = run(&network, workers, input, sides);
        prop_assert!(same_bits(&found, &expected), "{level:?}, {unit:?}, {workers} threads");
    }
    Ok(())
}

prop_compose! {
    pub(super) fn convolution()(
        in_channels in 1usize..50,
        out_channels in 1usize..70,
        kernel in prop::sample::select(vec![1usize, 2, 3, 4, 5, 7]),
        stride in 1usize..=2,
        pad in 0usize..4,
        padding in 0usize..3,
        depthwise in any::<bool>(),
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::Relu6]),
    ) -> ConvStep {
        let padding = [Padding::Symmetric(kernel / 2), Padding::Same, Padding::Symmetric(pad)][padding];
        let (out_channels, groups) = if depthwise { (in_channels, in_channels) } else { (out_channels, 1) };
        ConvStep { padding, groups, activation, ..conv("", 0, 0, (in_channels, out_channels), kernel, stride) }
    }
}

/// Ranges of any size: those that cover the values, those that clip nearly all, those that leave a few steps.
pub(super) fn random_ranges(plan: &Plan, seed: u64) -> ActivationRanges {
    let mut ranges = ActivationRanges::nothing_seen(plan);
    for (slot, range) in ranges.slots.iter_mut().enumerate() {
        let channels = range.low.len();
        let random = noise(seed.wrapping_add(slot as u64), 3 * channels);
        for (channel, random) in random.chunks_exact(3).enumerate() {
            let wide = [1e-3, 0.3, 1.0, 1.0, 3.0, 1e4][(seed >> (slot % 8 + channel % 3)) as usize % 6];
            range.low[channel] = if random[2] > 0.3 { 0.0 } else { -wide * random[0].abs() };
            range.high[channel] = wide * (random[1].abs() + 0.01);
        }
    }
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(96), failure_persistence: None, ..ProptestConfig::default() })]

    /// The image through a convolution of its own, then one, then the same again with the first as its residual, then a pool; all are
    /// returned, and some are read.
    #[test]
    fn convolutions_have_the_oracles_bits(
        stem_stride in 1usize..=2,
        stem_kernel in prop::sample::select(vec![1usize, 3, 7]),
        shape in convolution(),
        sides in (1usize..22, 1usize..22),
        n in 1usize..4,
        workers in 1usize..4,
        policy in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let channels = (shape.in_channels, shape.out_channels);
        let stem = ConvStep { activation: shape.activation, ..conv("s", 0, 1, (3, channels.0), stem_kernel, stem_stride) };
        let first = ConvStep { name: "a".into(), from: 1, to: 2, ..shape.clone() };
        let second = ConvStep { name: "b".into(), from: 1, to: 3, add: Some(2), ..shape.clone() };
        let strides = (stem_stride, stem_stride * shape.stride);
        let plan = Plan {
            steps: vec![Step::Conv(stem), Step::Conv(first), Step::Conv(second), Step::MaxPool { from: 3, to: 4 }],
            taps: vec![tap(1, channels.0, strides.0), tap(3, channels.1, strides.1), tap(4, channels.1, 2 * strides.1)],
            slots: 5,
        };
        let weights = random_weights(&plan, seed);
        let (height, width) = sides;
        let input: Vec<f32> = (0..n).flat_map(|image| photo(seed ^ image as u64, height * width)).collect();
        let ranges = if policy { ranges_on(&plan, &weights, &input, height, width) } else { random_ranges(&plan, seed) };
        check(&plan, &weights, &ranges, &input, sides, workers)?;
    }
}

/// What a program may meet: pixels that are no numbers, and weights so large that steps leave an `f32`.
#[test]
fn values_that_are_no_numbers_give_the_oracles_bits() {
    let plan = Plan {
        steps: vec![
            Step::Conv(conv("a", 0, 1, (3, 20), 3, 2)),
            Step::Conv(ConvStep { add: Some(1), ..conv("b", 1, 2, (20, 20), 3, 1) }),
            Step::Conv(conv("c", 2, 3, (20, 7), 1, 1)),
        ],
        taps: vec![tap(1, 20, 2), tap(3, 7, 2)],
        slots: 4,
    };
    let mut weights = random_weights(&plan, 1);
    let mut input = photo(2, 9 * 8);
    let ranges = ranges_on(&plan, &weights, &input, 9, 8);
    for (at, value) in [(3, f32::NAN), (20, f32::INFINITY), (70, f32::NEG_INFINITY), (100, 3e38), (130, -3e38)] {
        input[at] = value;
    }
    check(&plan, &weights, &ranges, &input, (9, 8), 2).unwrap();
    weights.tensors.get_mut("b.bias").unwrap().data[3] = 3e38;
    weights.tensors.get_mut("b.weight").unwrap().data[77] = 3e38;
    check(&plan, &weights, &ranges, &input, (9, 8), 1).unwrap();
}

/// Sums of the largest values and weights, of both signs, without overflow.
#[test]
fn the_largest_sums_have_the_oracles_bits() {
    let channels = 500;
    let plan = Plan {
        steps: vec![
            Step::Conv(conv("a", 0, 1, (3, channels), 1, 1)),
            Step::Conv(conv("b", 1, 2, (channels, 33), 3, 1)),
        ],
        taps: vec![tap(2, 33, 1)],
        slots: 3,
    };
    let mut weights = random_weights(&plan, 1);
    let mut set = |name: &str, value: &dyn Fn(usize) -> f32| {
        let data = &mut weights.tensors.get_mut(name).unwrap().data;
        data.iter_mut().enumerate().for_each(|(at, to)| *to = value(at));
    };
    set("a.weight", &|_| 0.0);
    set("a.bias", &|at| if at % 2 == 0 { 1.0 } else { -1.0 });
    set("b.weight", &|at| [1.0, -1.0][at / 9 % 2] * [1.0, -1.0][at / 4500 % 2]);
    let range =
        |low: f32, high: f32, channels: usize| ChannelRanges { low: vec![low; channels], high: vec![high; channels] };
    let slots = vec![range(-2.0, 2.0, 3), range(-1.0, 1.0, channels), range(-1.0, 1.0, 33)];
    check(&plan, &weights, &ActivationRanges { slots }, &photo(2, 25), (5, 5), 1).unwrap();
}

#[test]
fn features_depend_on_neither_threads_nor_batch_nor_cache() {
    for architecture in [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0] {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 8);
        let (n, height, width) = (5, 70, 50);
        let input: Vec<f32> = (0..n).flat_map(|image| photo(image, height * width)).collect();
        let ranges = ranges_on(&plan, &weights, &input, height, width);
        for (level, unit) in MatrixUnit::all() {
            let mut network = ReducedNetwork::int8_with_level(level, unit, &plan, &weights, &ranges).unwrap();
            let whole = run(&network, 1, &input, (height, width));
            for (workers, second_level) in [(2, 1 << 20), (3, 1), (8, 1 << 24), (1, 1 << 18)] {
                network.set_second_level(second_level);
                let found = run(&network, workers, &input, (height, width));
                assert!(same_bits(&found, &whole), "{architecture:?}, {level:?}, {unit:?}, {workers} threads");
            }
            for (image, pixels) in input.chunks_exact(3 * height * width).enumerate() {
                let alone = run(&network, 1 + image % 2, pixels, (height, width));
                for (alone, batch) in alone.iter().zip(&whole) {
                    let size = alone.data.len();
                    let same = bits(&alone.data) == bits(&batch.data[image * size..(image + 1) * size]);
                    assert!(same, "{architecture:?}, {level:?}, {unit:?}, image {image}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let plan = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 1))], taps: vec![tap(1, 8, 1)], slots: 2 };
    let weights = random_weights(&plan, 1);
    let ranges = ranges_on(&plan, &weights, &photo(1, 16), 4, 4);
    let native = Instructions::native();
    let missing = ReducedNetwork::int8(native, &plan, &BackboneWeights::default(), &ranges).err();
    assert_eq!(missing, Some(CpuNetworkError::Tensor { name: "a.weight".into(), size: 216, found: None }));
    let network = ReducedNetwork::int8(native, &plan, &weights, &ranges).unwrap();
    let (mut workspace, mut outputs) = (ReducedWorkspace::new(), Vec::new());
    for (values, n, height, width) in [(47, 1, 4, 4), (0, 1, 0, 4), (48, 2, 4, 4)] {
        let result = network.forward(&vec![0.0; values], n, height, width, &mut workspace, &mut outputs);
        assert!(matches!(result, Err(CpuNetworkError::InputSize { .. })), "{n} {height} {width}");
    }
    network.forward(&[], 0, 4, 4, &mut workspace, &mut outputs).unwrap();
    assert!(outputs[0].data.is_empty());
    let strided = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 3))], taps: vec![tap(1, 8, 3)], slots: 2 };
    let refused = ReducedNetwork::int8(native, &strided, &weights, &ranges).err();
    assert_eq!(refused, Some(CpuNetworkError::Unsupported { step: "a".into() }));
    // 2^31 / (2 * 255 * 127) products of the largest numbers.
    let channels = 33_156;
    let steps = vec![Step::Conv(conv("a", 0, 1, (channels, 1), 1, 1))];
    let wide = Plan { steps, taps: vec![tap(1, 1, 1)], slots: 2 };
    let mut ranges = ActivationRanges::nothing_seen(&wide);
    ranges.slots.iter_mut().for_each(|slot| slot.high.fill(1.0));
    let refused = ReducedNetwork::int8(native, &wide, &random_weights(&wide, 1), &ranges).err();
    assert_eq!(refused, Some(CpuNetworkError::Unsupported { step: "a".into() }));
}

#[test]
fn whole_networks_have_the_oracles_bits() {
    for (architecture, sizes) in [
        (Architecture::RESNET18, [(1, 1), (2, 3), (37, 61)].as_slice()),
        (Architecture::EFFICIENTNET_LITE0, &[(1, 1), (3, 2), (66, 33)]),
        (Architecture::RESNET50, &[(33, 31)]),
    ] {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 5);
        for &(height, width) in sizes {
            let input = photo(6, height * width);
            let ranges = ranges_on(&plan, &weights, &input, height, width);
            check(&plan, &weights, &ranges, &input, (height, width), 2).unwrap();
        }
    }
}
