//! Bytes for an instruction that multiplies bytes with a sign (NEON's `sdot`): `q - 128` instead of `q`.

use super::storage::{Element, Storage};
use crate::simd::{ExactLanes, Lanes, Neon, NeonDot, ShortLanes};

/// A number from 0 to 255, less 128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Shifted(i8);

/// What is taken off.
const SHIFT: i32 = 128;

impl Element for Shifted {
    type Weight = i8;
    const GROUP: usize = 4;
    const SATURATES: bool = true;
    const LESS: i32 = SHIFT;

    #[inline(always)]
    fn from_float(value: f32) -> Self {
        Self((u8::from_float(value) ^ SHIFT as u8).cast_signed())
    }

    #[inline(always)]
    fn to_float(self) -> f32 {
        f32::from(self.0.cast_unsigned() ^ SHIFT as u8)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

/// Products of four shifted bytes.
#[derive(Clone, Copy)]
pub(super) struct ShiftedBytes;

// SAFETY (of every function below): the trait's contract; a `Shifted` is an `i8`.
impl Storage for ShiftedBytes {
    type Element = Shifted;
    type Floats = Neon;
    type Sums = <Neon as ExactLanes>::Integers;
    type Groups = crate::simd::Fours;

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Neon::load_integers(from) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { Neon::store_integers(to, sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const i8) -> Self::Groups {
        // SAFETY: see above.
        unsafe { NeonDot::load_fours(from) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const Shifted) -> Self::Groups {
        // SAFETY: see above.
        unsafe { NeonDot::splat_four(from.cast()) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const Shifted) -> Self::Groups {
        // SAFETY: see above.
        unsafe { NeonDot::transpose_fours(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        // SAFETY: see above.
        unsafe { NeonDot::add_four_products(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> <Neon as Lanes>::Floats {
        // SAFETY: see above.
        unsafe { Neon::floats(sums) }
    }

    #[inline(always)]
    unsafe fn load(from: *const Shifted) -> <Neon as Lanes>::Floats {
        // SAFETY: see above.
        unsafe { NeonDot::load_bytes_as_floats(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut Shifted, value: <Neon as Lanes>::Floats) {
        // SAFETY: see above.
        unsafe { NeonDot::store_bytes(to.cast(), value) }
    }
}
