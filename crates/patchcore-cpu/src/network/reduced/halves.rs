//! `bf16` as an element of a map, and how vectors multiply pairs of them.

use std::marker::PhantomData;

use super::storage::{Element, Storage};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx512, Avx512Bf16, Lanes, ShortLanes};
use crate::simd::{HalfLanes, LANES, from_half, to_half};

/// A `bf16`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Half(u16);

impl Element for Half {
    type Weight = Half;
    const GROUP: usize = 2;
    const SATURATES: bool = false;

    #[inline(always)]
    fn from_float(value: f32) -> Self {
        Self(to_half(value))
    }

    #[inline(always)]
    fn to_float(self) -> f32 {
        from_half(self.0)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // Without its sign the rest of a `bf16` is larger for larger numbers.
        let order = |half: Self| {
            let bits = half.0.cast_signed();
            bits ^ (bits >> 15 & i16::MAX)
        };
        if order(self) < order(other) { other } else { self }
    }
}

/// Products of pairs that are made `f32` first.
#[derive(Clone, Copy)]
pub(super) struct Halves<L>(PhantomData<L>);

// SAFETY (of every function below): the trait's contract; a `Half` is an `u16`.
impl<L: HalfLanes> Storage for Halves<L> {
    type Element = Half;
    type Floats = L;
    type Sums = L::Floats;
    type Groups = [L::Floats; 2];

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { L::load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { L::store(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::load_half_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { L::splat_half_pair(from.cast()) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { [L::load_halves(from.cast()), L::load_halves(from.add(LANES).cast())] }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        let ([value, other_value], [weight, other_weight]) = (values, weights);
        // SAFETY: see above.
        unsafe { L::mul_add(other_value, other_weight, L::mul_add(value, weight, sums)) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> L::Floats {
        sums
    }

    #[inline(always)]
    unsafe fn load(from: *const Half) -> L::Floats {
        // SAFETY: see above.
        unsafe { L::load_halves(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut Half, value: L::Floats) {
        // SAFETY: see above.
        unsafe { L::store_halves(to.cast(), value) }
    }
}

/// Products of pairs by AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct HalvesAtOnce;

// SAFETY (of every function below): the trait's contract; a `Half` is an `u16`.
#[cfg(target_arch = "x86_64")]
impl Storage for HalvesAtOnce {
    type Element = Half;
    type Floats = Avx512<true>;
    type Sums = <Avx512<true> as Lanes>::Floats;
    type Groups = <Avx512<true> as crate::simd::ExactLanes>::Pairs;

    #[inline(always)]
    unsafe fn load_sums(from: *const i32) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Self::Floats::load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_sums(to: *mut i32, sums: Self::Sums) {
        // SAFETY: see above.
        unsafe { Self::Floats::store(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { <Self::Floats as crate::simd::ExactLanes>::load_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { <Self::Floats as crate::simd::ExactLanes>::splat_pair(from.cast()) }
    }

    #[inline(always)]
    unsafe fn neighbours(from: *const Half) -> Self::Groups {
        // SAFETY: see above.
        unsafe { Self::Floats::transpose_pairs(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Sums, values: Self::Groups, weights: Self::Groups) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Avx512Bf16::add_half_products(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: Self::Sums) -> Self::Sums {
        sums
    }

    #[inline(always)]
    unsafe fn load(from: *const Half) -> Self::Sums {
        // SAFETY: see above.
        unsafe { Self::Floats::load_halves(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut Half, value: Self::Sums) {
        // SAFETY: see above.
        unsafe { Self::Floats::store_halves(to.cast(), value) }
    }
}
