//! The network of `bf16` against its definition in plain loops.

use proptest::prelude::*;

use super::super::oracle::{self as float_oracle, Planes};
use super::super::tests::{bits, conv, plan_of, random_weights, tap};
use super::super::{CpuNetworkError, FeatureMap};
use super::bf16_oracle;
use super::halves::Half;
use super::matrix_unit::MatrixUnit;
use super::storage::Element;
use super::tests::{convolution, deviation, photo, run, same_bits};
use super::{ReducedNetwork, ReducedWorkspace};
use crate::Instructions;
use crate::testing::cases;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};
use patchcore_config::{Architecture, BackboneWeights};

/// The taps of a plan for one image: maps and weights are `bf16`, sums `f64`.
fn oracle(plan: &Plan, weights: &BackboneWeights, image: &Planes) -> Vec<Planes> {
    bf16_oracle::forward(plan, weights, image).unwrap()
}

/// The values of an image in a batch, `[channels, height, width]`.
fn planes_of(map: &FeatureMap, image: usize) -> Vec<f32> {
    let values = map.channels * map.height * map.width;
    let pixels = &map.data[image * values..(image + 1) * values];
    (0..map.channels).flat_map(|channel| pixels.iter().copied().skip(channel).step_by(map.channels)).collect()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().copied().map(f32::abs).fold(0.0, f32::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(96), failure_persistence: None, ..ProptestConfig::default() })]

    /// A convolution of the image, and the same with that one's map as its residual.
    #[test]
    fn convolutions_are_near_the_oracles(
        shape in convolution(),
        sides in (1usize..22, 1usize..22),
        workers in 1usize..4,
        seed in any::<u64>(),
    ) {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let first = ConvStep { name: "a".into(), from: 0, to: 1, ..shape.clone() };
        let second = ConvStep { name: "b".into(), from: 0, to: 2, add: Some(1), ..shape.clone() };
        let plan = Plan {
            steps: vec![Step::Conv(first), Step::Conv(second), Step::MaxPool { from: 2, to: 3 }],
            taps: vec![tap(1, outputs, shape.stride), tap(2, outputs, shape.stride), tap(3, outputs, 2 * shape.stride)],
            slots: 4,
        };
        let weights = random_weights(&plan, seed);
        let (height, width) = sides;
        let data: Vec<f32> = photo(seed, inputs.div_ceil(3) * height * width)[..inputs * height * width].to_vec();
        let image = Planes { channels: inputs, height, width, data: data.clone() };
        let expected = oracle(&plan, &weights, &image);
        // Products are exact. Sums of `n` of them in another order, each rounded to 2^-24, are off by about `n` of that in products,
        // of which 4 are allowed. A residual, and what a pool sees, may have been rounded to the other neighbour then.
        let products = (shape.kernel * shape.kernel * inputs / shape.groups + 2) as f32;
        let product = largest(&data).max(1.0) * largest(&weights.tensors["a.weight"].data).max(largest(&weights.tensors["b.weight"].data));
        let sums = products * product.max(largest(&weights.tensors["a.bias"].data)) * 2f32.powi(-22);
        let residual = largest(&expected[0].data) * 2f32.powi(-8);
        let tolerances = [sums, sums + residual, sums + residual + largest(&expected[1].data) * 2f32.powi(-7)];
        for (level, unit) in MatrixUnit::all() {
            let network = ReducedNetwork::bf16_with_level(level, unit, &plan, &weights).unwrap();
            let (mut workspace, mut found) = (ReducedWorkspace::new(), Vec::new());
            network.forward_with(workers, &data, 1, height, width, &mut workspace, &mut found).unwrap();
            for ((found, expected), tolerance) in found.iter().zip(&expected).zip(tolerances) {
                prop_assert_eq!((found.channels, found.height, found.width), (expected.channels, expected.height, expected.width));
                for (found, expected) in planes_of(found, 0).iter().zip(&expected.data) {
                    prop_assert!((found - expected).abs() <= tolerance, "{level:?}, {unit:?}: {found} is not {expected} within {tolerance}");
                }
            }
        }
    }
}

/// Where a sum lies near the middle of two `bf16` another order of its terms gives the other one, a step of 2^-8, so that values differ
/// by a part of what `bf16` costs altogether.
#[test]
fn whole_networks_are_near_the_oracle_and_the_network_of_floats() {
    for architecture in [Architecture::RESNET18, Architecture::EFFICIENTNET_LITE0] {
        let plan = plan_of(architecture);
        let weights = random_weights(&plan, 5);
        let (height, width) = (40, 33);
        let data = photo(6, height * width);
        let image = Planes { channels: 3, height, width, data: data.clone() };
        let (expected, floats) = (oracle(&plan, &weights, &image), float_oracle::forward(&plan, &weights, image));
        for (level, unit) in MatrixUnit::all() {
            let network = ReducedNetwork::bf16_with_level(level, unit, &plan, &weights).unwrap();
            for ((found, expected), floats) in
                run(&network, 2, &data, (height, width)).iter().zip(&expected).zip(&floats)
            {
                let found = planes_of(found, 0);
                let (off, of_floats) = (deviation(&found, &expected.data), deviation(&found, &floats.data));
                assert!(off < 0.01, "{architecture:?}, {level:?}, {unit:?}: {off}");
                assert!((1e-4..0.03).contains(&of_floats), "{architecture:?}, {level:?}, {unit:?}: {of_floats}");
            }
        }
    }
}

#[test]
fn features_depend_on_neither_threads_nor_batch_nor_cache() {
    let plan = Plan {
        steps: vec![
            Step::Conv(conv("s", 0, 1, (3, 40), 7, 2)),
            Step::MaxPool { from: 1, to: 2 },
            Step::Conv(conv("a", 2, 3, (40, 50), 3, 1)),
            Step::Conv(ConvStep { groups: 50, ..conv("d", 3, 4, (50, 50), 3, 1) }),
            Step::Conv(ConvStep { add: Some(3), ..conv("b", 4, 5, (50, 50), 1, 1) }),
            Step::Conv(conv("c", 5, 6, (50, 70), 3, 2)),
        ],
        taps: vec![tap(5, 50, 4), tap(6, 70, 8)],
        slots: 7,
    };
    let weights = random_weights(&plan, 8);
    let (n, height, width) = (5, 90, 70);
    let input: Vec<f32> = (0..n).flat_map(|image| photo(image, height * width)).collect();
    for (level, unit) in MatrixUnit::all() {
        let mut network = ReducedNetwork::bf16_with_level(level, unit, &plan, &weights).unwrap();
        let whole = run(&network, 1, &input, (height, width));
        for (workers, second_level) in [(2, 1 << 20), (3, 1), (8, 1 << 24), (1, 1 << 14)] {
            network.set_second_level(second_level);
            let found = run(&network, workers, &input, (height, width));
            assert!(same_bits(&found, &whole), "{level:?}, {unit:?}, {workers} threads");
        }
        for (image, pixels) in input.chunks_exact(3 * height * width).enumerate() {
            for (alone, batch) in run(&network, 2, pixels, (height, width)).iter().zip(&whole) {
                let size = alone.data.len();
                assert!(
                    bits(&alone.data) == bits(&batch.data[image * size..(image + 1) * size]),
                    "{level:?}, {unit:?}"
                );
            }
        }
    }
}

/// What comes of a pixel that is no number stays within the activation's bounds, or is no number. A window that ends before it is not
/// touched by it, though groups of values may reach beyond the window, and neither is a later photo in the same memory.
#[test]
fn pixels_that_are_no_numbers_disturb_no_others() {
    let relu6 = |conv| ConvStep { activation: Activation::Relu6, ..conv };
    let plain =
        Plan { steps: vec![Step::Conv(relu6(conv("a", 0, 1, (3, 20), 3, 1)))], taps: vec![tap(1, 20, 1)], slots: 2 };
    let depthwise = relu6(ConvStep { groups: 20, ..conv("b", 1, 2, (20, 20), 3, 1) });
    let planar = Plan {
        steps: vec![Step::Conv(conv("a", 0, 1, (3, 20), 3, 2)), Step::Conv(depthwise)],
        taps: vec![tap(2, 20, 2)],
        slots: 3,
    };
    let (height, width) = (9, 11);
    let sound = photo(4, height * width);
    let mut spoilt = sound.clone();
    spoilt[4 * width + 4] = f32::NAN;
    // Rows and columns whose windows hold the pixel at 4: of the second plan's first map only the one at 2.
    for (plan, sides, near) in [(plain, (9, 11), 3..=5), (planar, (5, 6), 1..=3)] {
        let weights = random_weights(&plan, 3);
        for (level, unit) in MatrixUnit::all() {
            let network = ReducedNetwork::bf16_with_level(level, unit, &plan, &weights).unwrap();
            let expected = run(&network, 1, &sound, (height, width));
            let found = run(&network, 1, &spoilt, (height, width));
            assert_eq!((found[0].height, found[0].width), sides);
            for (position, (found, expected)) in
                found[0].data.chunks_exact(20).zip(expected[0].data.chunks_exact(20)).enumerate()
            {
                let near = near.contains(&(position / sides.1)) && near.contains(&(position % sides.1));
                let bounds = |value: &f32| value.is_nan() || (0.0..=6.0).contains(value);
                let fits = if near { found.iter().all(bounds) } else { bits(found) == bits(expected) };
                assert!(fits, "{level:?}, {unit:?}, position {position}");
            }
            let (mut workspace, mut later) = (ReducedWorkspace::new(), Vec::new());
            let nothing = vec![f32::NAN; 3 * 20 * 23];
            network.forward_with(1, &nothing, 1, 20, 23, &mut workspace, &mut later).unwrap();
            network.forward_with(1, &sound, 1, height, width, &mut workspace, &mut later).unwrap();
            assert!(same_bits(&later, &expected), "{level:?}, {unit:?}: after a photo without numbers");
        }
    }
}

/// What is larger than every `bf16`, and what is no number, as the oracle has it.
#[test]
fn maps_hold_numbers_only() {
    let identity = |conv| ConvStep { activation: Activation::Identity, ..conv };
    let plan = Plan {
        steps: vec![
            Step::Conv(identity(conv("a", 0, 1, (1, 1), 1, 1))),
            Step::Conv(identity(conv("b", 1, 2, (1, 1), 1, 1))),
        ],
        taps: vec![tap(0, 1, 1), tap(2, 1, 1)],
        slots: 3,
    };
    let mut weights = random_weights(&plan, 1);
    for (name, value) in [("a.weight", 2.0), ("a.bias", 0.0), ("b.weight", -0.5), ("b.bias", 0.0)] {
        weights.tensors.get_mut(name).unwrap().data = vec![value];
    }
    let data = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 3.0, -1e38];
    let largest = f32::from_bits(0x7f7f_0000);
    let expected = [
        vec![largest, largest, -largest, largest, 3.0, Half::from_float(-1e38).to_float()],
        vec![-largest / 2.0, -largest / 2.0, largest / 2.0, -largest / 2.0, -3.0, -Half::from_float(-1e38).to_float()],
    ];
    let image = Planes { channels: 1, height: 1, width: 6, data: data.clone() };
    let of_oracle = oracle(&plan, &weights, &image);
    assert_eq!([&of_oracle[0].data, &of_oracle[1].data], [&expected[0], &expected[1]]);
    for (level, unit) in MatrixUnit::all() {
        let network = ReducedNetwork::bf16_with_level(level, unit, &plan, &weights).unwrap();
        let (mut workspace, mut found) = (ReducedWorkspace::new(), Vec::new());
        network.forward_with(1, &data, 1, 1, 6, &mut workspace, &mut found).unwrap();
        assert_eq!([&found[0].data, &found[1].data], [&expected[0], &expected[1]], "{level:?}, {unit:?}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let plan = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 1))], taps: vec![tap(1, 8, 1)], slots: 2 };
    let weights = random_weights(&plan, 1);
    let native = Instructions::native();
    let missing = ReducedNetwork::bf16(native, &plan, &BackboneWeights::default()).err();
    assert_eq!(missing, Some(CpuNetworkError::Tensor { name: "a.weight".into(), size: 216, found: None }));
    let network = ReducedNetwork::bf16(native, &plan, &weights).unwrap();
    let (mut workspace, mut outputs) = (ReducedWorkspace::new(), Vec::new());
    let result = network.forward(&[0.0; 47], 1, 4, 4, &mut workspace, &mut outputs);
    assert!(matches!(result, Err(CpuNetworkError::InputSize { .. })));
    network.forward(&[0.0; 48], 1, 4, 4, &mut workspace, &mut outputs).unwrap();
    assert_eq!(outputs[0].data.len(), 8 * 16);
    assert!(workspace.bytes() > 0);
    let strided = Plan { steps: vec![Step::Conv(conv("a", 0, 1, (3, 8), 3, 3))], taps: vec![tap(1, 8, 3)], slots: 2 };
    let refused = ReducedNetwork::bf16(native, &strided, &weights).err();
    assert_eq!(refused, Some(CpuNetworkError::Unsupported { step: "a".into() }));
}
