//! Winograd's form against the oracle, bit for bit, wherever it may run.

use proptest::prelude::*;

use super::super::step::Geometry;
use super::super::tests::{conv, random_weights, tap};
use super::finish::Constants;
use super::kernel_sets::PLAIN_SHORTS;
use super::matrix_unit::MatrixUnit;
use super::tests::{expected_of, photo, random_ranges, run, same_bits};
use super::window_tiles::transform_filter;
use super::winograd::Winograd;
use super::{ReducedNetwork, kernel_set::KernelSet};
use crate::simd::{AlignedBuffer, Level};
use crate::testing::cases;
use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Plan, Step};

/// Whether Winograd's form carries out a convolution whose factors are all `factor`.
fn runs(kernels: &KernelSet<i16>, step: &ConvStep, factor: f32) -> bool {
    let mut constants = AlignedBuffer::<Constants>::zeroed(step.out_channels.div_ceil(16));
    constants.iter_mut().for_each(|constants| constants.factor = [factor; 16]);
    let weights = vec![1; step.out_channels * step.in_channels * step.kernel * step.kernel];
    Winograd::new(kernels, Geometry::new(step), &weights, &constants).is_some()
}

#[test]
fn it_runs_where_nothing_can_be_rounded_or_overflow() {
    let step = conv("a", 0, 1, (64, 64), 3, 1);
    assert!(runs(&PLAIN_SHORTS, &step, 0.01) && runs(&PLAIN_SHORTS, &step, 0.0));
    assert!(!runs(&PLAIN_SHORTS, &step, f32::MIN_POSITIVE));
    for other in [
        conv("a", 0, 1, (901, 16), 3, 1),
        conv("a", 0, 1, (15, 64), 3, 1),
        conv("a", 0, 1, (64, 15), 3, 1),
        conv("a", 0, 1, (64, 64), 1, 1),
        conv("a", 0, 1, (64, 64), 3, 2),
        ConvStep { padding: Padding::Symmetric(0), ..step.clone() },
    ] {
        assert!(!runs(&PLAIN_SHORTS, &other, 0.01), "{other:?}");
    }
    assert!(PLAIN_SHORTS.winograd.is_some() && super::kernel_sets::PLAIN_HALVES.winograd.is_none());
}

#[test]
fn filters_grow_nine_times_at_most() {
    assert_eq!(transform_filter([0, 0, 0, 0, 1, 0, 0, 0, 0]), [0, 0, 0, 0, 0, 1, -1, 0, 0, -1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(transform_filter([127; 9]).iter().max(), Some(&1143));
    assert_eq!(transform_filter([-127; 9]).iter().min(), Some(&-1143));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    /// Two convolutions, the second with the first as its residual, of which one is only returned, and a third that is read alone.
    #[test]
    fn convolutions_have_the_oracles_bits(
        channels in (16usize..70, 16usize..70),
        sides in (1usize..20, 1usize..40),
        n in 1usize..4,
        workers in 1usize..4,
        second_level in prop::sample::select(vec![1usize, 1 << 16, 1 << 20]),
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::Relu6]),
        seed in any::<u64>(),
    ) {
        let (inputs, outputs) = channels;
        let with = |step: ConvStep| Step::Conv(ConvStep { activation, ..step });
        let plan = Plan {
            steps: vec![
                with(conv("s", 0, 1, (3, inputs), 1, 1)),
                with(conv("a", 1, 2, (inputs, outputs), 3, 1)),
                with(ConvStep { add: Some(2), ..conv("b", 1, 3, (inputs, outputs), 3, 1) }),
                with(ConvStep { add: Some(2), ..conv("c", 3, 4, (outputs, outputs), 3, 1) }),
                with(conv("d", 4, 5, (outputs, inputs), 3, 1)),
            ],
            taps: vec![tap(2, outputs, 1), tap(4, outputs, 1), tap(5, inputs, 1)],
            slots: 6,
        };
        let weights = random_weights(&plan, seed);
        let ranges = random_ranges(&plan, seed);
        let (height, width) = sides;
        let input: Vec<f32> = (0..n).flat_map(|image| photo(seed ^ image as u64, height * width)).collect();
        let expected = expected_of(&plan, &weights, &ranges, &input, sides);
        for level in Level::available() {
            let mut network =
                ReducedNetwork::int8_with_level(level, MatrixUnit::None, &plan, &weights, &ranges).unwrap();
            network.set_second_level(second_level);
            let found = run(&network, workers, &input, sides);
            prop_assert!(same_bits(&found, &expected), "{level:?}, {workers} threads");
        }
    }
}
