//! The two arithmetics of the resize.

/// A sample with the arithmetic of its weighted mean.
pub(crate) trait Sample: Copy + Default {
    /// A normalised weight in this arithmetic.
    type Weight: Copy;
    /// The running sum.
    type Sum: Copy;
    /// The sum of nothing.
    const START: Self::Sum;
    /// Converts a normalised weight.
    fn weight(weight: f64) -> Self::Weight;
    /// `sum + sample * weight`.
    fn add(sum: Self::Sum, sample: Self, weight: Self::Weight) -> Self::Sum;
    /// The mean.
    fn finish(sum: Self::Sum) -> Self;
}

/// PIL: 32 bits less 8 of the sample and 2 of head room.
const PRECISION: u32 = 22;

/// The sum stays below 2^31: the weights are not negative, add up to 2^22 within half a unit each, and there
/// are fewer than 2^17 of them (sides are below 2^16 after the limits, 3 * 2^21 unit errors at the very worst).
impl Sample for u8 {
    type Weight = i32;
    type Sum = i32;
    const START: i32 = 1 << (PRECISION - 1);

    fn weight(weight: f64) -> i32 {
        (0.5 + weight * f64::from(1 << PRECISION)) as i32
    }

    #[inline]
    fn add(sum: i32, sample: u8, weight: i32) -> i32 {
        sum.wrapping_add(i32::from(sample).wrapping_mul(weight))
    }

    #[inline]
    fn finish(sum: i32) -> u8 {
        (sum >> PRECISION).clamp(0, 255) as u8
    }
}

impl Sample for f32 {
    type Weight = f32;
    type Sum = f32;
    const START: f32 = 0.0;

    fn weight(weight: f64) -> f32 {
        weight as f32
    }

    #[inline]
    fn add(sum: f32, sample: f32, weight: f32) -> f32 {
        sum + sample * weight
    }

    #[inline]
    fn finish(sum: f32) -> f32 {
        sum
    }
}
