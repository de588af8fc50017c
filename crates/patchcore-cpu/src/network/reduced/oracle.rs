//! The 8-bit network in plain loops, one image at a time: the same bits as the kernels, on every processor.

#![allow(clippy::indexing_slicing, reason = "slots and channels of a definition that was made of the plan")]

use super::super::CpuNetworkError;
use super::super::oracle::Planes;
use super::definition::{Definition, Numbers, Scale};
use super::one_value::{clamped, dequantised, from_image, quantised, steps};
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};

/// A map of 8 bits, `[channels, height, width]`.
#[derive(Debug, Clone, Default)]
struct Bytes {
    channels: usize,
    height: usize,
    width: usize,
    data: Vec<u8>,
}

impl Bytes {
    fn at(&self, channel: usize, y: isize, x: isize) -> Option<u8> {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        inside.then(|| self.data[(channel * self.height + y as usize) * self.width + x as usize])
    }
}

/// The taps of a plan for one image, normalised.
///
/// # Errors
/// [`CpuNetworkError`]: plan, weights and ranges do not fit each other.
///
/// # Panics
/// For another number of values than the image's shape says.
pub fn forward(
    plan: &Plan,
    weights: &BackboneWeights,
    ranges: &ActivationRanges,
    image: &Planes,
) -> Result<Vec<Planes>, CpuNetworkError> {
    plan.check()?;
    Ok(taps_of(plan, &Definition::new(plan, weights, ranges)?, image))
}

/// The taps of a plan with these numbers for one image, normalised.
fn taps_of(plan: &Plan, definition: &Definition, image: &Planes) -> Vec<Planes> {
    let mut slots = vec![Bytes::default(); plan.slots];
    let mut floats = vec![Planes::default(); plan.slots];
    slots[0] = load(image, &definition.scales[0]);
    floats[0] = floats_of(&slots[0], &definition.scales[0]);
    let mut convolutions = definition.convolutions.iter();
    for step in &plan.steps {
        let to = step.to();
        match step {
            Step::Conv(conv) => {
                let Some(numbers) = convolutions.next() else { unreachable!("every convolution has its numbers") };
                let add = conv.add.map(|slot| &slots[slot]);
                (slots[to], floats[to]) = convolve(conv, numbers, definition, &slots[conv.from], add);
            }
            Step::Concat { .. } | Step::AveragePool { .. } => unreachable!("no step of a plan that has a definition"),
            Step::MaxPool { from, .. } => {
                slots[to] = max_pool(&slots[*from]);
                floats[to] = floats_of(&slots[to], &definition.scales[to]);
            }
        }
    }
    plan.taps.iter().map(|tap| floats[tap.slot].clone()).collect()
}

fn load(image: &Planes, scale: &Scale) -> Bytes {
    let Planes { channels, height, width, .. } = *image;
    let planes = image.data.chunks_exact(height * width).enumerate();
    let data = planes.flat_map(|(channel, plane)| {
        let (factor, zero) = from_image(scale, channel);
        plane.iter().map(move |value| quantised(steps(*value, factor, zero), 0.0, 255.0))
    });
    Bytes { channels, height, width, data: data.collect() }
}

fn floats_of(map: &Bytes, scale: &Scale) -> Planes {
    let Bytes { channels, height, width, .. } = *map;
    let planes = map.data.chunks_exact(height * width).enumerate();
    let data = planes.flat_map(|(channel, plane)| {
        let (factor, offset) = dequantised(scale, channel);
        plane.iter().map(move |value| steps(f32::from(*value), factor, offset))
    });
    Planes { channels, height, width, data: data.collect() }
}

fn convolve(
    conv: &ConvStep,
    numbers: &Numbers,
    definition: &Definition,
    input: &Bytes,
    add: Option<&Bytes>,
) -> (Bytes, Planes) {
    let (kernel, stride) = (conv.kernel, conv.stride);
    let (top, _) = conv.padding.before_after(input.height, kernel, stride);
    let (left, _) = conv.padding.before_after(input.width, kernel, stride);
    let height = conv.padding.output_side(input.height, kernel, stride);
    let width = conv.padding.output_side(input.width, kernel, stride);
    let (group_in, group_out) = (conv.in_channels / conv.groups, conv.out_channels / conv.groups);
    let (floor, ceiling) = match conv.activation {
        Activation::Identity => (f32::NEG_INFINITY, f32::INFINITY),
        Activation::Relu => (0.0, f32::INFINITY),
        Activation::Relu6 => (0.0, 6.0),
    };
    let channels = conv.out_channels;
    let mut bytes = Bytes { channels, height, width, data: Vec::with_capacity(channels * height * width) };
    let mut floats = Planes { channels, height, width, data: Vec::with_capacity(channels * height * width) };
    for out in 0..channels {
        let (scale, offset) = dequantised(&definition.scales[conv.to], out);
        for y in 0..height {
            for x in 0..width {
                let mut sum = numbers.start[out];
                for channel in 0..group_in {
                    let from = out / group_out * group_in + channel;
                    for tap_y in 0..kernel {
                        for tap_x in 0..kernel {
                            let from_y = (y * stride + tap_y) as isize - top as isize;
                            let from_x = (x * stride + tap_x) as isize - left as isize;
                            let padding = definition.scales[conv.from].padding[from];
                            let value = input.at(from, from_y, from_x).unwrap_or(padding);
                            let index = ((out * group_in + channel) * kernel + tap_y) * kernel + tap_x;
                            sum += i32::from(value) * i32::from(numbers.weights[index]);
                        }
                    }
                }
                let mut value = steps(sum as f32, numbers.factor[out], numbers.offset[out]);
                if let Some(add) = add {
                    value += f32::from(add.data[(out * height + y) * width + x]) * numbers.residual[out];
                }
                bytes.data.push(quantised(value, numbers.least[out], numbers.largest[out]));
                floats.data.push(clamped(steps(value, scale, offset), floor, ceiling));
            }
        }
    }
    (bytes, floats)
}

fn max_pool(input: &Bytes) -> Bytes {
    let side = |side: usize| (side + 2 - 3) / 2 + 1;
    let (channels, height, width) = (input.channels, side(input.height), side(input.width));
    let mut data = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        for y in 0..height as isize {
            for x in 0..width as isize {
                let rows =
                    (2 * y - 1..2 * y + 2).flat_map(|row| (2 * x - 1..2 * x + 2).map(move |column| (row, column)));
                data.push(rows.filter_map(|(row, column)| input.at(channel, row, column)).fold(0, u8::max));
            }
        }
    }
    Bytes { channels, height, width, data }
}
