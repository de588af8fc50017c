//! Networks with groups, joined maps, average pools and prologues on every device that has tensors, against the definition in plain loops.

use burn::tensor::{Tensor, TensorData};
use patchcore_config::Architecture;
use patchcore_config::backbone::plan::{Activation, ConvStep, MapShape, Padding, Plan, Step, Tap};
use patchcore_cpu::network::oracle::{self, Planes};
use patchcore_testing::test_devices;

use super::Network;
use super::test_networks::{values, weights};
use crate::device::ComputeDevice;

/// Those that the tests are given, else the CPU by tensor operations.
fn devices() -> Vec<ComputeDevice> {
    let named = test_devices().unwrap_or_else(|| vec!["flex:tensors".to_owned()]);
    named.iter().filter(|name| *name != "cpu").map(|name| ComputeDevice::from_name(name).unwrap()).collect()
}

/// Holds a plan to its definition for two photos, by what the device runs and by Burn's operations.
fn assert_as_defined(name: &str, plan: &Plan, (height, width): (usize, usize)) {
    plan.check().unwrap();
    let (weights, channels) = (weights(plan), plan.image_channels());
    let pixels = values(2 * channels * height * width, 11);
    let image = |data: &[f32]| Planes { channels, height, width, data: data.to_vec() };
    let photos = pixels.chunks(channels * height * width);
    let expected: Vec<Vec<Planes>> = photos.map(|photo| oracle::forward(plan, &weights, image(photo))).collect();
    for device in devices() {
        let data = TensorData::new(pixels.clone(), [2, channels, height, width]);
        let images = Tensor::<4>::from_data(data, device.burn().unwrap());
        for network in [
            Network::new(name, plan.clone(), &weights, &device).unwrap(),
            Network::of_operations(name, plan.clone(), &weights, &device).unwrap(),
        ] {
            for (tap, map) in network.forward(images.clone()).into_iter().enumerate() {
                let expected: Vec<f32> = expected.iter().flat_map(|maps| maps[tap].data.clone()).collect();
                let found = map.try_into_vec_as::<f32>().unwrap();
                assert_eq!(found.len(), expected.len(), "{name}");
                let scale = expected.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
                assert!(scale > 1e-3, "{name}: nothing to compare");
                let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                let off = off.fold(0.0, |worst, off| if off <= worst { worst } else { off });
                assert!(off < 1e-5 * scale, "{name}, map {tap} on {}: {off:e} of {scale}", device.name());
            }
        }
    }
}

/// With the channels that the real ones have.
#[test]
fn blocks_of_resnext_and_densenet_are_as_defined() {
    for (name, layers) in [("resnext50_32x4d", ["layer1", "layer2"]), ("densenet121", ["denseblock1", "denseblock2"])] {
        let plan = Architecture::from_name(name).unwrap().plan(&layers.map(str::to_owned)).unwrap();
        assert_as_defined(name, &plan, (16, 32));
    }
}

#[test]
fn random_plans_are_as_defined() {
    for seed in 0..4 {
        assert_as_defined(&format!("plan {seed}"), &random_plan(seed), (16, 8));
    }
}

/// A plan of every kind of step in an order that belongs to a seed, each after any maps before it.
fn random_plan(seed: u64) -> Plan {
    let mut numbers = values(400, 1_000 + seed).into_iter();
    let mut any = |count: usize| ((numbers.next().unwrap() + 1.0) / 2.0 * count as f32) as usize % count;
    let (mut shapes, mut strides) = (vec![MapShape { channels: 4, height: 16, width: 8 }], vec![1]);
    let mut steps = Vec::new();
    // Kinds: convolutions in groups, depthwise and dense ones, with a prologue, joined maps, pools.
    for kind in (0..2).flat_map(|_| [0, 1, 3, 4, 2, 4, 5, 3, 6]) {
        let (to, from) = (shapes.len(), shapes.len() - 1 - any(shapes.len().min(3)));
        let input = shapes[from];
        let activation = [Activation::Identity, Activation::Relu, Activation::Relu6][any(3)];
        let divisors: Vec<usize> = (1..=input.channels).filter(|by| input.channels.is_multiple_of(*by)).collect();
        let groups = [divisors[any(divisors.len())], input.channels, 1, 1][kind.min(3)];
        let out_channels =
            if kind == 1 { input.channels } else { groups * (1 + any(4)) + if groups == 1 { 3 } else { 0 } };
        let can_halve = input.width >= 4;
        let (kernel, stride) =
            if kind == 3 { (1, 1) } else { ([1, 3, 5][any(3)], 1 + any(1 + usize::from(can_halve))) };
        let conv = |add| {
            Step::Conv(ConvStep {
                name: format!("{to}"),
                from,
                to,
                in_channels: input.channels,
                out_channels,
                kernel,
                stride,
                padding: Padding::Symmetric(kernel / 2),
                groups,
                prologue: kind == 3,
                add,
                activation,
            })
        };
        let same_size = |shape: &MapShape| (shape.height, shape.width) == (input.height, input.width);
        let step = match kind {
            4 => {
                let others: Vec<usize> = (0..shapes.len()).filter(|slot| same_size(&shapes[*slot])).collect();
                let with = others[any(others.len())];
                Step::Concat { from, with, to, channels: (input.channels, shapes[with].channels) }
            }
            5 if can_halve => Step::AveragePool { name: format!("{to}"), from, to, channels: input.channels },
            6 if can_halve => Step::MaxPool { from, to },
            _ => {
                let output = conv(None).output(input);
                conv(shapes.iter().position(|shape| *shape == output).filter(|_| any(2) == 0))
            }
        };
        shapes.push(step.output(input));
        strides.push(strides[from] * step.window().stride);
        steps.push(step);
    }
    let taps = [steps.len() / 2, steps.len()].map(|slot| Tap {
        layer: format!("{slot}"),
        slot,
        channels: shapes[slot].channels,
        stride: strides[slot],
    });
    Plan { steps, taps: taps.to_vec(), slots: shapes.len() }
}
