//! Sixteen lanes in four vectors of wasm's `simd128`, which is in a module or not: nothing is asked at run time.

use std::arch::wasm32::*;

use super::lanes::{ExactLanes, Lanes, ShortLanes};

/// The sets of instructions that this module was compiled with hold `simd128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simd128;

/// `f` for each of the four vectors.
macro_rules! quarters {
    ($part:ident => $value:expr) => {{
        let quarter = |$part: usize| $value;
        [quarter(0), quarter(1), quarter(2), quarter(3)]
    }};
}

// SAFETY (of every function below): the trait's contract is that pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four vectors, constant positions")]
impl Lanes for Simd128 {
    type Floats = [v128; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Floats {
        [f32x4_splat(value); 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => v128_load(from.add(part * 4).cast())) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::Floats) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { v128_store(to.add(part * 4).cast(), value) };
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        quarters!(part => f32x4_add(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        quarters!(part => f32x4_sub(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        quarters!(part => f32x4_mul(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        quarters!(part => f32x4_add(f32x4_mul(a[part], b[part]), c[part]))
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}

    #[inline(always)]
    unsafe fn at_least(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // `x < bound ? bound : x`: `x` where either is NaN.
        quarters!(part => f32x4_pmax(x[part], bound[part]))
    }

    #[inline(always)]
    unsafe fn at_most(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // `bound < x ? bound : x`: `x` where either is NaN.
        quarters!(part => f32x4_pmin(x[part], bound[part]))
    }
}

// SAFETY (of every function below): the trait's contract is that pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four vectors, constant positions")]
impl ExactLanes for Simd128 {
    const MANY_REGISTERS: bool = false;
    const BYTES: bool = false;
    type Integers = [v128; 4];
    type Pairs = [v128; 4];
    type Doubles = [v128; 8];

    #[inline(always)]
    unsafe fn splat_integer(value: i32) -> Self::Integers {
        [i32x4_splat(value); 4]
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> Self::Integers {
        // SAFETY: see above.
        unsafe { quarters!(part => v128_load(from.add(part * 4).cast())) }
    }

    #[inline(always)]
    unsafe fn store_integers(to: *mut i32, value: Self::Integers) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { v128_store(to.add(part * 4).cast(), value) };
        }
    }

    #[inline(always)]
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        quarters!(part => i32x4_add(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn sub_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        quarters!(part => i32x4_sub(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn lesser(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        quarters!(part => i32x4_min(a[part], b[part]))
    }

    #[inline(always)]
    unsafe fn not_above(a: Self::Integers, b: Self::Integers) -> u32 {
        bits(quarters!(part => i32x4_le(a[part], b[part])))
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        unsafe { quarters!(part => v128_load(from.add(part * 8).cast())) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        [unsafe { v128_load32_splat(from.cast()) }; 4]
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        quarters!(part => i32x4_add(sums[part], i32x4_dot_i16x8(a[part], b[part])))
    }

    #[inline(always)]
    unsafe fn add_byte_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        // SAFETY: see above.
        unsafe {
            let even = a.map(|bytes| i16x8_shr(i16x8_shl(bytes, 8), 8));
            let sums = Self::add_products(sums, even, b.map(|bytes| v128_and(bytes, i16x8_splat(0xff))));
            Self::add_products(sums, a.map(|bytes| i16x8_shr(bytes, 8)), b.map(|bytes| u16x8_shr(bytes, 8)))
        }
    }

    #[inline(always)]
    unsafe fn store_short(to: *mut i16, value: Self::Integers, by: i32) {
        // SAFETY: see above.
        unsafe {
            let shifted = value.map(|quarter| i32x4_shr(quarter, by as u32));
            v128_store(to.cast(), i16x8_narrow_i32x4(shifted[0], shifted[1]));
            v128_store(to.add(8).cast(), i16x8_narrow_i32x4(shifted[2], shifted[3]));
        }
    }

    #[inline(always)]
    unsafe fn no_doubles() -> Self::Doubles {
        [f64x2_splat(0.0); 8]
    }

    #[inline(always)]
    unsafe fn add_squares(mut sums: Self::Doubles, a: *const f32, b: *const f32) -> Self::Doubles {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: see above.
            let (a, b) =
                unsafe { (v128_load64_zero(a.add(part * 2).cast()), v128_load64_zero(b.add(part * 2).cast())) };
            let difference = f64x2_sub(f64x2_promote_low_f32x4(a), f64x2_promote_low_f32x4(b));
            *sum = f64x2_add(*sum, f64x2_mul(difference, difference));
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_doubles(to: *mut f64, value: Self::Doubles) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { v128_store(to.add(part * 2).cast(), value) };
        }
    }

    #[inline(always)]
    unsafe fn total(value: Self::Doubles) -> f64 {
        let eight = quarters!(part => f64x2_add(value[part], value[part + 4]));
        let four = [f64x2_add(eight[0], eight[2]), f64x2_add(eight[1], eight[3])];
        let two = f64x2_add(four[0], four[1]);
        f64x2_extract_lane::<0>(two) + f64x2_extract_lane::<1>(two)
    }

    #[inline(always)]
    unsafe fn prefetch_near(_: *const u8) {}
}

// SAFETY (of every function below): the trait's contract is that pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four vectors, constant positions")]
impl ShortLanes for Simd128 {
    type Shorts = [v128; 2];

    #[inline(always)]
    unsafe fn load_sixteen(from: *const i16) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { [v128_load(from.cast()), v128_load(from.add(8).cast())] }
    }

    #[inline(always)]
    unsafe fn store_sixteen(to: *mut i16, value: Self::Shorts) {
        // SAFETY: see above.
        unsafe {
            v128_store(to.cast(), value[0]);
            v128_store(to.add(8).cast(), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        [i16x8_add(a[0], b[0]), i16x8_add(a[1], b[1])]
    }

    #[inline(always)]
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        [i16x8_sub(a[0], b[0]), i16x8_sub(a[1], b[1])]
    }

    #[inline(always)]
    unsafe fn floats(value: Self::Integers) -> Self::Floats {
        quarters!(part => f32x4_convert_i32x4(value[part]))
    }

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => f32x4_convert_i32x4(i32x4_load_extend_i16x4(from.add(part * 4)))) }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: Self::Floats) {
        // SAFETY: see above.
        unsafe {
            let integers = value.map(|quarter| i32x4_trunc_sat_f32x4(f32x4_nearest(quarter)));
            v128_store(to.cast(), i16x8_narrow_i32x4(integers[0], integers[1]));
            v128_store(to.add(8).cast(), i16x8_narrow_i32x4(integers[2], integers[3]));
        }
    }

    #[inline(always)]
    unsafe fn transpose_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        unsafe {
            let vector = |at: usize| v128_load(from.add(at).cast());
            let low = |first, second| i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(first, second);
            let high = |first, second| i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(first, second);
            let (first, second) = ([vector(0), vector(8)], [vector(16), vector(24)]);
            [low(first[0], second[0]), high(first[0], second[0]), low(first[1], second[1]), high(first[1], second[1])]
        }
    }
}

/// The highest bit of every lane.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "four vectors, constant positions")]
fn bits(lanes: [v128; 4]) -> u32 {
    let [first, second, third, fourth] = lanes.map(|part| u32::from(i32x4_bitmask(part)));
    first | second << 4 | third << 8 | fourth << 12
}
