//! Convolutions on a model of the unit against the definition.

use super::super::super::map::Map;
use super::super::super::step::Geometry;
use super::super::super::tests::noise;
use super::super::halves::Half;
use super::super::storage::Element;
use super::convolution::{Part, Start, Strip, TileConvolution};
use crate::simd::LANES;
use crate::simd::amx::{Amx, Model, Sums, Tiles, Unit};
use patchcore_config::backbone::plan::Padding;
use proptest::prelude::*;

/// A convolution and its input.
#[derive(Debug, Clone)]
struct Case {
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    /// Zeros before and after.
    padding: usize,
    sides: (usize, usize),
    /// More border than the windows need.
    more: usize,
    /// Rows of a part.
    rows: usize,
    seed: u64,
}

impl Case {
    fn geometry(&self) -> Geometry {
        Geometry {
            in_channels: self.channels.0,
            out_channels: self.channels.1,
            kernel: self.kernel,
            stride: self.stride,
            padding: Padding::Symmetric(self.padding),
            floor: 0.0,
            ceiling: 0.0,
        }
    }

    fn output(&self) -> (usize, usize) {
        let side = |side: usize| (side + 2 * self.padding - self.kernel) / self.stride + 1;
        (side(self.sides.0), side(self.sides.1))
    }

    /// The map, with `fill` in its border and beyond its channels, and what a window reads: channel, row and column of the input.
    fn map<E: Copy>(&self, fill: E, value: impl Fn(usize) -> E) -> (Map, Vec<E>, impl Fn(usize, isize, isize) -> E) {
        let border = (self.padding + self.more, self.padding + self.more);
        let map = Map::blocked(self.channels.0, self.sides.0, self.sides.1, border);
        let mut memory = vec![fill; map.image()];
        let (height, width) = self.sides;
        let values: Vec<E> = (0..self.channels.0 * height * width).map(value).collect();
        for (at, value) in values.iter().enumerate() {
            let (channel, y, x) = (at / (height * width), at / width % height, at % width);
            let place = map.origin() + y * map.row() + x * LANES + channel % LANES;
            memory[channel / LANES * map.plane() + place] = *value;
        }
        let read = move |channel: usize, y: isize, x: isize| {
            let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
            if inside { values[(channel * height + y as usize) * width + x as usize] } else { fill }
        };
        (map, memory, read)
    }

    /// All sums on a unit, `[outputs, height, width]`; each is there once.
    fn run<T: Tiles, E: Element>(
        &self,
        tiles: &mut T,
        start: impl Fn(usize) -> i32,
        convolution: &TileConvolution<E>,
        map: &Map,
        memory: &[E],
    ) -> Vec<i32> {
        let (height, width) = self.output();
        let mut found = vec![None; self.channels.1 * height * width];
        let start: Vec<i32> = (0..self.channels.1.next_multiple_of(LANES)).map(start).collect();
        let packed = convolution.packed(self.rows.min(height), width);
        // What is left there from before must not matter.
        let mut room = vec![E::from_float(201.0); convolution.room(&packed)];
        let mut steps = Vec::new();
        convolution.find_steps(&packed, &mut steps);
        for first in (0..height).step_by(self.rows) {
            let mut keep = |strip: &Strip, sums: &Sums| {
                for (block, sums) in sums.iter().take(strip.blocks).enumerate() {
                    for (pixel, sums) in sums.iter().take(strip.pixels).enumerate() {
                        let position = strip.y * width + strip.x + pixel;
                        let outputs = (strip.block + block) * LANES..self.channels.1;
                        for (output, sum) in outputs.zip(sums) {
                            let place = &mut found[output * height * width + position];
                            assert_eq!(place.replace(*sum), None, "written once");
                        }
                    }
                }
            };
            let rows = first..(first + self.rows).min(height);
            let part =
                Part { image: memory.as_ptr(), map, rows, width, packed, steps: &steps, room: room.as_mut_ptr() };
            let start = Start { first: start.as_ptr().cast(), panel: LANES * size_of::<i32>() };
            // SAFETY: the map has an image, with a border, and there is room.
            unsafe { convolution.sums(tiles, &part, start, &mut keep) };
        }
        found.into_iter().map(|sum| sum.unwrap()).collect()
    }

    /// The definition, `[outputs, height, width]`: what a sum starts with, and the product of each input with its weight, by their places.
    fn expected(&self, start: impl Fn(usize) -> f64, product: impl Fn(usize, isize, isize, usize) -> f64) -> Vec<f64> {
        let (height, width) = self.output();
        let mut sums = Vec::new();
        for output in 0..self.channels.1 {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let mut sum = start(output);
                for channel in 0..self.channels.0 {
                    for tap in 0..self.kernel * self.kernel {
                        let of = |at: usize, tap: usize| (at * self.stride + tap) as isize - self.padding as isize;
                        let weight = (output * self.channels.0 + channel) * self.kernel * self.kernel + tap;
                        sum += product(channel, of(y, tap / self.kernel), of(x, tap % self.kernel), weight);
                    }
                }
                sums.push(sum);
            }
        }
        sums
    }

    fn weights(&self) -> usize {
        self.channels.0 * self.channels.1 * self.kernel * self.kernel
    }
}

fn a_case() -> impl Strategy<Value = Case> {
    let kernels = prop_oneof![Just((1, 0)), Just((3, 1)), Just((3, 0)), Just((2, 1)), Just((5, 2))];
    let channels = (1..140_usize, prop_oneof![1..70_usize, Just(16_usize), Just(32_usize)]);
    (channels, kernels, 1..3_usize, (5..9_usize, 5..44_usize), 0..2_usize, 1..6_usize, any::<u64>()).prop_map(
        |(channels, (kernel, padding), stride, sides, more, rows, seed)| {
            let channels = (channels.0.div_ceil(kernel), channels.1.div_ceil(kernel));
            Case { channels, kernel, stride, padding, sides, more, rows, seed }
        },
    )
}

fn wide(half: Half) -> f64 {
    half.to_float().into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(48)))]

    #[test]
    fn sums_of_bytes_are_those_of_the_definition(case in a_case()) {
        let byte = |value: f32| (value * 1000.0) as i32;
        let inputs: Vec<u8> = noise(case.seed, case.channels.0 * case.sides.0 * case.sides.1).into_iter().map(|value| byte(value) as u8).collect();
        let weights: Vec<i8> = noise(case.seed ^ 1, case.weights()).into_iter().map(|value| byte(value) as i8).collect();
        let (map, memory, read) = case.map(77, |at| inputs[at]);
        let start = |output: usize| output as i32 * 1_001 - 20_000;
        let convolution = TileConvolution::<u8>::new(case.geometry(), &weights);
        let mut found = vec![case.run(&mut Model::new(), start, &convolution, &map, &memory)];
        if Amx::detect().is_some() {
            // SAFETY: it is there, and this thread uses no other.
            found.push(case.run(&mut unsafe { Unit::new() }, start, &convolution, &map, &memory));
        }
        let expected = case.expected(|output| f64::from(start(output)), |channel, y, x, weight| f64::from(read(channel, y, x)) * f64::from(weights[weight]));
        for found in found {
            prop_assert_eq!(&found.into_iter().map(f64::from).collect::<Vec<_>>(), &expected);
        }
    }

    #[test]
    fn sums_of_bf16_are_near_the_definition(case in a_case()) {
        let inputs: Vec<Half> = noise(case.seed, case.channels.0 * case.sides.0 * case.sides.1).into_iter().map(Half::from_float).collect();
        let weights: Vec<Half> = noise(case.seed ^ 1, case.weights()).into_iter().map(Half::from_float).collect();
        let (map, memory, read) = case.map(Half::default(), |at| inputs[at]);
        let start = |output: usize| output as f32 * 0.5 - 3.0;
        let bits = |output| start(output).to_bits().cast_signed();
        let convolution = TileConvolution::<Half>::new(case.geometry(), &weights);
        let mut found = vec![case.run(&mut Model::new(), bits, &convolution, &map, &memory)];
        if Amx::detect().is_some() {
            // SAFETY: it is there, and this thread uses no other.
            found.push(case.run(&mut unsafe { Unit::new() }, bits, &convolution, &map, &memory));
        }
        let expected = case.expected(|output| f64::from(start(output)), |channel, y, x, weight| wide(read(channel, y, x)) * wide(weights[weight]));
        // Numbers are at most 1 but the start, and each addition rounds by half of 2^-23 of a sum that is smaller than their number.
        let terms = (case.weights() / case.channels.1) as f64 + start(case.channels.1).abs().max(3.0) as f64;
        let tolerance = terms * terms * f64::from(f32::EPSILON) / 2.0;
        for (found, expected) in found.iter().flat_map(|found| found.iter().zip(&expected)) {
            let found = f64::from(f32::from_bits(found.cast_unsigned()));
            prop_assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
        }
    }
}
