//! The factors of a product, as a matrix unit would see them.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use crate::device::Precision;

/// Bits behind the leading one of an f32: factors are taken as they are.
pub(crate) const EVERY_BIT: u32 = Precision::F32.factor_bits();

/// A factor with so many bits behind its leading one, rounded to nearest, ties to even; [`EVERY_BIT`] leaves it as it is.
///
/// 10 are those of TF32 and f16, 7 those of bf16. What lies beyond the range of f16 stays finite: this is about rounding.
#[cube]
pub(crate) fn cut(value: f32, #[comptime] bits: u32) -> f32 {
    if comptime!(bits < EVERY_BIT) {
        let dropped = comptime!(EVERY_BIT - bits);
        let below_half = comptime!((1u32 << (EVERY_BIT - bits - 1)) - 1);
        let kept = comptime!(!((1u32 << (EVERY_BIT - bits)) - 1));
        let whole = u32::reinterpret(value);
        let odd = (whole >> dropped) & 1u32;
        f32::reinterpret((whole + below_half + odd) & kept)
    } else {
        value
    }
}

/// [`cut`] of every value.
#[cube]
pub(crate) fn cut_vector<N: Size>(value: Vector<f32, N>, #[comptime] bits: u32) -> Vector<f32, N> {
    if comptime!(bits < EVERY_BIT) {
        let mut kept = value;
        #[unroll]
        for at in 0..value.vector_size() {
            kept.insert(at, cut(value.extract(at), bits));
        }
        kept
    } else {
        value
    }
}

/// [`cut`] on the host.
#[cfg(test)]
pub(crate) fn cut_on_host(value: f32, bits: u32) -> f32 {
    if bits >= EVERY_BIT || !value.is_finite() {
        return value;
    }
    let dropped = EVERY_BIT - bits;
    let whole = value.to_bits();
    let odd = (whole >> dropped) & 1;
    f32::from_bits(whole.wrapping_add((1 << (dropped - 1)) - 1 + odd) & !((1 << dropped) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_factor_is_the_nearest_of_so_many_bits() {
        assert_eq!(cut_on_host(1.0 + f32::EPSILON, 23), 1.0 + f32::EPSILON);
        // f16 has ten bits too: its rounding is another way to the same value.
        for index in 0..10_000u32 {
            let value = (index.wrapping_mul(2_654_435_761) >> 8) as f32 / 65_536.0 - 100.0;
            let expected = half::f16::from_f32(value).to_f32();
            if value.abs() > 1e-3 {
                assert_eq!(cut_on_host(value, 10), expected, "{value}");
                assert_eq!(cut_on_host(value, 7), half::bf16::from_f32(value).to_f32(), "{value}");
            }
        }
        // A tie goes to the even neighbour.
        assert_eq!(cut_on_host(1.0 + 2f32.powi(-11), 10), 1.0);
        assert_eq!(cut_on_host(1.0 + 3.0 * 2f32.powi(-11), 10), 1.0 + 2f32.powi(-9));
    }
}
