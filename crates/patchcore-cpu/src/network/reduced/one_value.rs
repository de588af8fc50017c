//! The arithmetic of one value, in `f32`: each operation rounded once, as IEEE 754 has it, and none fused with another.

#![allow(clippy::indexing_slicing, reason = "channels of a slot's scale")]

use super::definition::Scale;

/// `value * factor + offset`, rounded twice.
pub(super) fn steps(value: f32, factor: f32, offset: f32) -> f32 {
    value * factor + offset
}

/// The `q` of a value in steps: held between two whole numbers first, then rounded, halves to even. What is no number is `largest`.
pub(super) fn quantised(value: f32, least: f32, largest: f32) -> u8 {
    let value = if value < largest { value } else { largest };
    let value = if value > least { value } else { least };
    value.round_ties_even() as u8
}

/// A value between two bounds; what is no number stays so.
pub(super) fn clamped(value: f32, floor: f32, ceiling: f32) -> f32 {
    let value = if floor > value { floor } else { value };
    if ceiling < value { ceiling } else { value }
}

/// Factor and offset that make a value of the image steps.
pub(super) fn from_image(scale: &Scale, channel: usize) -> (f32, f32) {
    ((1.0 / scale.scale[channel]) as f32, scale.zero[channel] as f32)
}

/// Factor and offset that make steps a value.
pub(super) fn dequantised(scale: &Scale, channel: usize) -> (f32, f32) {
    let (scale, zero) = (scale.scale[channel], scale.zero[channel]);
    (scale as f32, (-zero * scale) as f32)
}
