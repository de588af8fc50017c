//! What an 8-bit network computes: its integers and factors, from plan, weights and ranges. Oracle and kernels take them from here.

#![allow(
    clippy::indexing_slicing,
    reason = "channels and slots of a plan that was checked, ranges that were compared with it"
)]

use super::super::CpuNetworkError;
use super::super::tensors::conv_tensors;
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::{Activation, ConvStep, Plan, Slot, Step};
use patchcore_config::backbone::{ActivationRanges, ChannelRanges};

/// The largest value of a map.
pub(super) const LARGEST: i32 = 255;

/// The largest weight; the least is its negative.
const LARGEST_WEIGHT: f64 = 127.0;

/// How the values of one slot are written with 8 bits: `x = scale (q - zero)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// A step of `q` in the units of the map, one a channel.
    pub(super) scale: Vec<f64>,
    /// The `q` of a zero, one a channel. A whole number but in the image, where it lies between two.
    pub(super) zero: Vec<f64>,
    /// The whole number next to it: what is beyond the edge.
    pub(super) padding: Vec<u8>,
}

/// The numbers of a convolution; see [the module](super).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers {
    /// `[out, in / groups, kernel, kernel]`
    pub(super) weights: Vec<i8>,
    /// What a sum starts with: the zeros of the input taken off.
    pub(super) start: Vec<i32>,
    /// Steps of the output a unit of the sum.
    pub(super) factor: Vec<f32>,
    /// Bias and zero of the output, and the zero of the residual taken off, in steps of the output.
    pub(super) offset: Vec<f32>,
    /// Steps of the output a step of the residual; zeros without one.
    pub(super) residual: Vec<f32>,
    /// The least `q` that the activation leaves.
    pub(super) least: Vec<f32>,
    /// The largest.
    pub(super) largest: Vec<f32>,
}

/// An 8-bit network in numbers.
pub(super) struct Definition {
    /// How each slot is written.
    pub(super) scales: Vec<Scale>,
    /// Of the plan's convolutions, in their order.
    pub(super) convolutions: Vec<Numbers>,
}

impl Definition {
    /// The numbers of `plan` with these weights and ranges.
    ///
    /// # Errors
    /// [`CpuNetworkError`]: a plan that contradicts itself or has groups that are neither 1 nor depthwise, sums that may leave an
    /// `i32`, tensors or ranges that are not the plan's.
    pub(super) fn new(
        plan: &Plan,
        weights: &BackboneWeights,
        ranges: &ActivationRanges,
    ) -> Result<Self, CpuNetworkError> {
        let scales = scales(plan, ranges)?;
        if let Some(step) = plan.not_reducible() {
            return Err(CpuNetworkError::Unsupported { step: step.name().to_owned() });
        }
        let convolution = |conv| numbers(conv, weights, &scales);
        let convolutions = plan.convolutions().map(convolution).collect::<Result<_, _>>()?;
        Ok(Self { scales, convolutions })
    }
}

/// How each slot is written.
fn scales(plan: &Plan, ranges: &ActivationRanges) -> Result<Vec<Scale>, CpuNetworkError> {
    ranges.check(plan)?;
    let mut scales: Vec<Scale> = ranges.slots.iter().enumerate().map(|(slot, range)| scale_of(range, slot)).collect();
    for step in &plan.steps {
        // A pool copies values.
        if let Step::MaxPool { from, to } = step {
            scales[*to] = scales[*from].clone();
        }
        // A map that is only returned is not written with 8 bits: the factors make it `f32` at once.
        let slot = step.to();
        if step.conv().is_some() && !plan.steps.iter().any(|step| step.reads().any(|read| read == slot)) {
            let channels = scales[slot].scale.len();
            scales[slot] = Scale { scale: vec![1.0; channels], zero: vec![0.0; channels], padding: vec![0; channels] };
        }
    }
    Ok(scales)
}

fn scale_of(range: &ChannelRanges, slot: Slot) -> Scale {
    let ends = || range.low.iter().zip(&range.high);
    let scale: Vec<f64> = ends().map(|(low, high)| (f64::from(*high) - f64::from(*low)) / f64::from(LARGEST)).collect();
    let exact: Vec<f64> = range.low.iter().zip(&scale).map(|(low, scale)| -f64::from(*low) / scale).collect();
    let padding: Vec<u8> = exact.iter().map(|zero| zero.round_ties_even() as u8).collect();
    // The pixels of a photo are whole numbers; zero is its mean, which is none.
    let zero = if slot == 0 { exact } else { padding.iter().map(|zero| f64::from(*zero)).collect() };
    Scale { scale, zero, padding }
}

fn numbers(conv: &ConvStep, weights: &BackboneWeights, scales: &[Scale]) -> Result<Numbers, CpuNetworkError> {
    let unsupported = || CpuNetworkError::Unsupported { step: conv.name.clone() };
    if conv.groups != 1 && (conv.groups != conv.in_channels || conv.out_channels != conv.in_channels) {
        return Err(unsupported());
    }
    let (weight, bias) = conv_tensors(conv, weights)?;
    let (input, output) = (&scales[conv.from], &scales[conv.to]);
    let (inputs, taps) = (conv.in_channels / conv.groups, conv.kernel * conv.kernel);
    // A sum of that many products, and as much again where it starts.
    let most = 2.0 * f64::from(LARGEST) * LARGEST_WEIGHT * (inputs * taps) as f64;
    if taps == 0 || most > f64::from(i32::MAX) {
        return Err(unsupported());
    }
    let outputs = conv.out_channels;
    let mut numbers = Numbers {
        weights: Vec::with_capacity(weight.len()),
        start: Vec::with_capacity(outputs),
        factor: Vec::with_capacity(outputs),
        offset: Vec::with_capacity(outputs),
        residual: vec![0.0; outputs],
        least: Vec::with_capacity(outputs),
        largest: Vec::with_capacity(outputs),
    };
    let mut folded = Vec::with_capacity(inputs * taps);
    for (out, (filter, bias)) in weight.chunks_exact(inputs * taps).zip(bias).enumerate() {
        let first = if conv.groups == 1 { 0 } else { out };
        // The input's scales go into the weights, so that one factor an output is left.
        folded.clear();
        for (taps, scale) in filter.chunks_exact(taps).zip(input.scale.iter().skip(first)) {
            folded.extend(taps.iter().map(|tap| f64::from(*tap) * scale));
        }
        let largest = folded.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let step = largest / LARGEST_WEIGHT;
        let packed = numbers.weights.len();
        // Filters of zeros have no step.
        if step > 0.0 {
            numbers.weights.extend(folded.iter().map(|value| nearest(value / step)));
        } else {
            numbers.weights.resize(packed + folded.len(), 0);
        }
        let (mut start, mut between) = (0_i32, 0.0);
        for (channel, taps) in numbers.weights[packed..].chunks_exact(taps).enumerate() {
            let sum: i32 = taps.iter().map(|tap| i32::from(*tap)).sum();
            let padding = input.padding[first + channel];
            start -= i32::from(padding) * sum;
            between += (input.zero[first + channel] - f64::from(padding)) * f64::from(sum);
        }
        let (scale, zero) = (output.scale[out], output.zero[out]);
        let mut offset = (f64::from(*bias) - between * step) / scale + zero;
        if let Some(add) = conv.add {
            let factor = (scales[add].scale[out] / scale) as f32;
            offset -= scales[add].zero[out] * f64::from(factor);
            numbers.residual[out] = factor;
        }
        numbers.start.push(start);
        numbers.factor.push((step / scale) as f32);
        numbers.offset.push(offset as f32);
        let padding = f32::from(output.padding[out]);
        numbers.least.push(if conv.activation == Activation::Identity { 0.0 } else { padding });
        let six = || (6.0 / scale).round_ties_even() as f32 + padding;
        let most = LARGEST as f32;
        numbers.largest.push(if conv.activation == Activation::Relu6 { six().min(most) } else { most });
    }
    Ok(numbers)
}

/// The whole number next to a value between -127 and 127, halves to even; of what is no number some number, always the same.
fn nearest(value: f64) -> i8 {
    // Adding it rounds to a whole number and leaves that in the low bits: an instruction where the rounding itself may be a call.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    if value.is_nan() { 0 } else { (value + ROUNDER).to_bits() as i8 }
}
