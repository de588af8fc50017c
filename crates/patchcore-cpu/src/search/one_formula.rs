//! The one formula that decides, for engines that find candidates by themselves.

use crate::Instructions;
use crate::simd::Level;

/// The squared distance of two vectors of equal length by the formula that decides which row is the nearest: differences and squares in
/// f64, summed in a fixed order, the same bits on every processor.
///
/// # Panics
/// Where the lengths differ.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    Level::at_most(Instructions::native()).squared_distance(a, b, f64::INFINITY)
}
