//! The 8-bit network against its oracle, bit for bit, and its oracle against the network of `f32`.

use super::super::oracle::{self as float_oracle, Planes};
use super::super::tests::{bits, conv, noise, plan_of, random_weights, tap};
use super::super::{CpuNetwork, CpuNetworkError, FeatureMap, MapLayout, Workspace};
use super::{ReducedNetwork, ReducedWorkspace, oracle, ranges_of};
use crate::Instructions;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};
use patchcore_config::{Architecture, BackboneWeights, Normalization};

/// Normalised planes of a photo of 8 bits.
fn photo(seed: u64, area: usize) -> Vec<f32> {
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
fn deviation(found: &[f32], expected: &[f32]) -> f64 {
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

fn run(network: &ReducedNetwork, input: &[f32], n: usize, height: usize, width: usize) -> Vec<FeatureMap> {
    let mut outputs = Vec::new();
    network.forward(input, n, height, width, &mut ReducedWorkspace::new(), &mut outputs).unwrap();
    outputs
}

/// Holds every instruction set to the oracle, bit for bit.
fn check(
    plan: &Plan,
    weights: &BackboneWeights,
    ranges: &ActivationRanges,
    input: &[f32],
    height: usize,
    width: usize,
) {
    let image = plan.image_channels() * height * width;
    let n = input.len() / image;
    let expected: Vec<Vec<Planes>> = input
        .chunks_exact(image)
        .map(|pixels| {
            let planes = Planes { channels: plan.image_channels(), height, width, data: pixels.to_vec() };
            oracle::forward(plan, weights, ranges, &planes).unwrap()
        })
        .collect();
    for set in Instructions::available() {
        let network = ReducedNetwork::int8(set, plan, weights, ranges).unwrap();
        for (tap, output) in run(&network, input, n, height, width).iter().enumerate() {
            let area = output.height * output.width;
            assert_eq!((output.layout, output.data.len()), (MapLayout::ChannelsLast, n * area * output.channels));
            for (image, maps) in expected.iter().enumerate() {
                let map = &maps[tap];
                assert_eq!((output.channels, output.height, output.width), (map.channels, map.height, map.width));
                let found = &output.data[image * area * output.channels..][..area * output.channels];
                let expected: Vec<f32> =
                    (0..area).flat_map(|position| map.data.iter().copied().skip(position).step_by(area)).collect();
                assert!(bits(found) == bits(&expected), "{set:?}, tap {tap}, image {image}");
            }
        }
    }
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
            let input = photo(6, 2 * height * width);
            let ranges = ranges_on(&plan, &weights, &input, height, width);
            check(&plan, &weights, &ranges, &input, height, width);
        }
    }
}
