//! The inputs of the test cases, from a formula, and how far a result is off.

#![allow(clippy::indexing_slicing, reason = "loops over the extents of what they read")]

/// Values in `[-1, 1)` of 24 bits that repeat nowhere near: the same on every machine.
pub(super) fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            let mixed = (i ^ seed.wrapping_mul(0x85eb_ca6b)).wrapping_mul(2_654_435_761);
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
            (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Largest deviation relative to the largest expected value; infinite for another length or what is not finite.
pub(super) fn deviation(found: &[f32], expected: &[f64]) -> f64 {
    if found.len() != expected.len() || found.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let scale = expected.iter().fold(f64::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).abs()).fold(0.0, f64::max) / scale
}
