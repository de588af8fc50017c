//! The slow, obvious network: loops over the definition, sums in `f64`, one image at a time.
//!
//! What the kernels are held equal to, and what runs a network for which there is none.

#![allow(clippy::indexing_slicing, reason = "slots and weights of a plan whose weights have been verified")]

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Step};

/// A feature map `[channels, height, width]`.
#[derive(Debug, Clone, Default)]
pub struct Planes {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Row-major values.
    pub data: Vec<f32>,
}

impl Planes {
    /// The value at a place, zero outside.
    fn at(&self, channel: usize, y: isize, x: isize) -> Option<f32> {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        inside.then(|| self.data[(channel * self.height + y as usize) * self.width + x as usize])
    }

    fn fill(channels: usize, height: usize, width: usize, value: impl Fn(usize, usize, usize) -> f32) -> Self {
        let mut data = Vec::with_capacity(channels * height * width);
        for channel in 0..channels {
            for y in 0..height {
                data.extend((0..width).map(|x| value(channel, y, x)));
            }
        }
        Self { channels, height, width, data }
    }
}

/// The taps of a plan for one image, normalised.
///
/// # Panics
/// For weights that the plan does not read, or another number of values than the image's shape says.
pub fn forward(plan: &Plan, weights: &BackboneWeights, image: Planes) -> Vec<Planes> {
    let mut slots = vec![Planes::default(); plan.slots];
    slots[0] = image;
    for step in &plan.steps {
        match step {
            Step::Conv(conv) => {
                let add = conv.add.map(|slot| slots[slot].clone());
                let from = &slots[conv.from];
                let map = match conv.prologue {
                    true => convolve(conv, weights, &scaled(step, weights, from), add.as_ref()),
                    false => convolve(conv, weights, from, add.as_ref()),
                };
                slots[conv.to] = map;
            }
            Step::MaxPool { from, to } => slots[*to] = max_pool(&slots[*from]),
            Step::Concat { from, with, to, .. } => slots[*to] = join(&slots[*from], &slots[*with]),
            Step::AveragePool { from, to, .. } => slots[*to] = average_pool(&scaled(step, weights, &slots[*from])),
        }
    }
    plan.taps.iter().map(|tap| slots[tap.slot].clone()).collect()
}

/// What a convolution makes of its input.
pub(super) fn convolve(conv: &ConvStep, weights: &BackboneWeights, input: &Planes, add: Option<&Planes>) -> Planes {
    let weight = &weights.tensors[&format!("{}.weight", conv.name)].data;
    let bias = &weights.tensors[&format!("{}.bias", conv.name)].data;
    let (kernel, stride) = (conv.kernel, conv.stride);
    let (top, _) = conv.padding.before_after(input.height, kernel, stride);
    let (left, _) = conv.padding.before_after(input.width, kernel, stride);
    let height = conv.padding.output_side(input.height, kernel, stride);
    let width = conv.padding.output_side(input.width, kernel, stride);
    let (group_in, group_out) = (conv.in_channels / conv.groups, conv.out_channels / conv.groups);
    Planes::fill(conv.out_channels, height, width, |out, y, x| {
        let mut sum = f64::from(bias[out]);
        for channel in 0..group_in {
            for tap_y in 0..kernel {
                for tap_x in 0..kernel {
                    let from_y = (y * stride + tap_y) as isize - top as isize;
                    let from_x = (x * stride + tap_x) as isize - left as isize;
                    if let Some(value) = input.at(out / group_out * group_in + channel, from_y, from_x) {
                        let index = ((out * group_in + channel) * kernel + tap_y) * kernel + tap_x;
                        sum += f64::from(value) * f64::from(weight[index]);
                    }
                }
            }
        }
        sum += add.map_or(0.0, |add| f64::from(add.data[(out * height + y) * width + x]));
        let sum = sum as f32;
        match conv.activation {
            Activation::Identity => sum,
            Activation::Relu => sum.max(0.0),
            Activation::Relu6 => sum.clamp(0.0, 6.0),
        }
    })
}

/// `max(scale * x + shift, 0)` with the step's scale and shift of every channel.
fn scaled(step: &Step, weights: &BackboneWeights, input: &Planes) -> Planes {
    let (scale, shift) = (&weights.tensors[&step.scale_name()].data, &weights.tensors[&step.shift_name()].data);
    let area = input.height * input.width;
    Planes::fill(input.channels, input.height, input.width, |channel, y, x| {
        let value = f64::from(input.data[channel * area + y * input.width + x]);
        (value * f64::from(scale[channel]) + f64::from(shift[channel])).max(0.0) as f32
    })
}

/// The channels of one map, then those of another.
fn join(first: &Planes, behind: &Planes) -> Planes {
    let data = [first.data.as_slice(), &behind.data].concat();
    Planes { channels: first.channels + behind.channels, data, ..*first }
}

/// The means of 2x2 pixels.
fn average_pool(input: &Planes) -> Planes {
    let area = input.height * input.width;
    Planes::fill(input.channels, input.height / 2, input.width / 2, |channel, y, x| {
        let at = |y: usize, x: usize| f64::from(input.data[channel * area + y * input.width + x]);
        let sum = at(2 * y, 2 * x) + at(2 * y, 2 * x + 1) + at(2 * y + 1, 2 * x) + at(2 * y + 1, 2 * x + 1);
        (sum / 4.0) as f32
    })
}

/// What a pool makes of its input.
pub(super) fn max_pool(input: &Planes) -> Planes {
    let side = |side: usize| (side + 2 - 3) / 2 + 1;
    Planes::fill(input.channels, side(input.height), side(input.width), |channel, y, x| {
        let rows = 2 * y as isize - 1..2 * y as isize + 2;
        let values = rows.flat_map(|row| (2 * x as isize - 1..2 * x as isize + 2).map(move |column| (row, column)));
        values.filter_map(|(row, column)| input.at(channel, row, column)).fold(f32::NEG_INFINITY, f32::max)
    })
}
