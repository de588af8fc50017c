//! Networks of 8 bits whose values are worked out by hand: oracle and kernels take their numbers from the same definition, and agree
//! where it is wrong.

use super::super::oracle::Planes;
use super::super::tests::{conv, random_weights, tap};
use super::oracle;
use super::tests::check;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};

fn ranges(ends: &[(f32, f32)]) -> ChannelRanges {
    let (low, high) = ends.iter().copied().unzip();
    ChannelRanges { low, high }
}

/// An image whose zero lies between two steps, ReLU6 and ReLU before other numbers than 0 and 255, a residual in steps of its own, and a
/// depthwise convolution that reads beyond the edge.
#[test]
fn every_kind_of_step_gives_what_is_worked_out_by_hand() {
    let with = |activation, conv| ConvStep { activation, ..conv };
    let plan = Plan {
        steps: vec![
            Step::Conv(with(Activation::Relu6, conv("a", 0, 1, (3, 1), 1, 1))),
            Step::Conv(with(Activation::Relu, conv("b", 1, 2, (1, 1), 1, 1))),
            Step::Conv(ConvStep { add: Some(2), ..conv("c", 1, 3, (1, 1), 1, 1) }),
            Step::Conv(ConvStep { groups: 3, ..conv("d", 0, 4, (3, 3), 3, 1) }),
            Step::Conv(conv("e", 3, 5, (1, 1), 1, 1)),
        ],
        taps: vec![tap(1, 1, 1), tap(2, 1, 1), tap(3, 1, 1), tap(4, 3, 1), tap(5, 1, 1)],
        slots: 6,
    };
    let mut weights = random_weights(&plan, 1);
    let mut set = |name: &str, values: &[f32]| weights.tensors.get_mut(name).unwrap().data = values.to_vec();
    // The largest weight times its channel's step is 127, so that all are whole numbers of steps.
    set("a.weight", &[63.5, 1.0, 0.0]);
    set("a.bias", &[-63.5]);
    set("b.weight", &[127.0]);
    set("b.bias", &[-300.0]);
    set("c.weight", &[127.0]);
    set("c.bias", &[10.0]);
    let row = |left, middle, right| [0.0, 0.0, 0.0, left, middle, right, 0.0, 0.0, 0.0];
    set("d.weight", &[row(0.5, 63.5, -0.5), row(127.0, 0.0, -1.0), row(0.0, 127.0, 0.0)].concat());
    set("d.bias", &[0.0, 2.0, 0.0]);
    set("e.weight", &[127.0]);
    set("e.bias", &[0.0]);
    let slots = vec![
        // Steps of 2, 1 and 1; zero at 10.5, beyond the edge 10.
        ranges(&[(-21.0, 489.0), (-10.5, 244.5), (-10.5, 244.5)]),
        // Steps of 1, zero at 0.
        ranges(&[(0.0, 255.0)]),
        // Steps of 4, zero at 100.
        ranges(&[(-400.0, 620.0)]),
        // Steps of 2, zero at 32.
        ranges(&[(-64.0, 446.0)]),
        // Only returned.
        ranges(&[(0.0, 1.0); 3]),
        ranges(&[(0.0, 1.0)]),
    ];
    let ranges = ActivationRanges { slots };
    let data = [[1.0; 6], [-3.5, 2.5, 4.5, 5.5, 8.5, 244.5], [7.5; 6]].concat();
    let found =
        oracle::forward(&plan, &weights, &ranges, &Planes { channels: 3, height: 1, width: 6, data: data.clone() });
    let found: Vec<Vec<f32>> = found.unwrap().into_iter().map(|map| map.data).collect();
    // 63.5 * 1 - 63.5 + the second channel, between 0 and 6; as a map, halves to even: 0, 2, 4, 6, 6, 6.
    assert_eq!(found[0], [0.0, 2.5, 4.5, 5.5, 6.0, 6.0]);
    // 127 times that map - 300, from 0 on; as a map in steps of 4: 0, 0, 208, 464 (115.5 steps, to even), 464, 464.
    assert_eq!(found[1], [0.0, 0.0, 208.0, 462.0, 462.0, 462.0]);
    // 127 times the first map + 10 + the second map; as a map at most 446.
    assert_eq!(found[2], [10.0, 264.0, 726.0, 1236.0, 1236.0, 1236.0]);
    // What lies beyond the edge is half a step below zero: -1, -0.5, -0.5.
    let first = [62.5, 63.5, 63.5, 63.5, 63.5, 64.5];
    let second = [-64.0, -447.0, 314.0, 565.0, 456.0, 1082.0];
    assert_eq!(found[3], [first, second, [952.5; 6]].concat());
    // 127 times the third map.
    assert_eq!(found[4], [1270.0, 33528.0, 56642.0, 56642.0, 56642.0, 56642.0]);
    check(&plan, &weights, &ranges, &data, (1, 6), 1).unwrap();
}
