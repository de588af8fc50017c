//! Sixteen lanes in four NEON registers, on aarch64.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::lanes::{ExactLanes, Lanes, ShortLanes};

/// The proof that this processor has NEON, which every one of this architecture has that runs this operating system's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

/// `f` for each of the four registers.
macro_rules! quarters {
    ($part:ident => $value:expr) => {{
        let quarter = |$part: usize| $value;
        [quarter(0), quarter(1), quarter(2), quarter(3)]
    }};
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four registers, constant positions")]
impl Lanes for Neon {
    type Floats = [float32x4_t; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Floats {
        // SAFETY: see above.
        [unsafe { vdupq_n_f32(value) }; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vld1q_f32(from.add(part * 4))) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::Floats) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1q_f32(to.add(part * 4), value) };
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vaddq_f32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vsubq_f32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vmulq_f32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vfmaq_f32(c[part], a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch never faults, writes nothing and needs no stack.
        unsafe { asm!("prfm pldl2keep, [{0}]", in(reg) from, options(nostack, readonly, preserves_flags)) }
    }

    #[inline(always)]
    unsafe fn at_least(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // SAFETY: see above. Selects `x` where the comparison is false, so also where it is NaN.
        unsafe { quarters!(part => vbslq_f32(vcgtq_f32(bound[part], x[part]), bound[part], x[part])) }
    }

    #[inline(always)]
    unsafe fn at_most(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // SAFETY: see above. Selects `x` where the comparison is false, so also where it is NaN.
        unsafe { quarters!(part => vbslq_f32(vcltq_f32(bound[part], x[part]), bound[part], x[part])) }
    }
}

/// Pairs come apart when they are loaded: eight first numbers and eight second ones in two registers. The multiplication that
/// widens (`smlal`) wants them so.
// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four registers, constant positions")]
impl ExactLanes for Neon {
    const MANY_REGISTERS: bool = false;
    const BYTES: bool = false;
    type Integers = [int32x4_t; 4];
    type Pairs = [int16x8x2_t; 2];
    type Doubles = [float64x2_t; 8];

    #[inline(always)]
    unsafe fn splat_integer(value: i32) -> Self::Integers {
        // SAFETY: see above.
        [unsafe { vdupq_n_s32(value) }; 4]
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> Self::Integers {
        // SAFETY: see above.
        unsafe { quarters!(part => vld1q_s32(from.add(part * 4))) }
    }

    #[inline(always)]
    unsafe fn store_integers(to: *mut i32, value: Self::Integers) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1q_s32(to.add(part * 4), value) };
        }
    }

    #[inline(always)]
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { quarters!(part => vaddq_s32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn sub_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { quarters!(part => vsubq_s32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn lesser(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { quarters!(part => vminq_s32(a[part], b[part])) }
    }

    #[inline(always)]
    unsafe fn not_above(a: Self::Integers, b: Self::Integers) -> u32 {
        // SAFETY: see above.
        unsafe { bits(quarters!(part => vcleq_s32(a[part], b[part]))) }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        unsafe { [vld2q_s16(from), vld2q_s16(from.add(16))] }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        [unsafe { vld2q_dup_s16(from) }; 2]
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        // SAFETY: see above.
        unsafe {
            let low = |sum, a, b| vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b));
            [
                low(low(sums[0], a[0].0, b[0].0), a[0].1, b[0].1),
                vmlal_high_s16(vmlal_high_s16(sums[1], a[0].0, b[0].0), a[0].1, b[0].1),
                low(low(sums[2], a[1].0, b[1].0), a[1].1, b[1].1),
                vmlal_high_s16(vmlal_high_s16(sums[3], a[1].0, b[1].0), a[1].1, b[1].1),
            ]
        }
    }

    #[inline(always)]
    unsafe fn add_byte_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        // SAFETY: see above.
        unsafe {
            let of = |pairs: Self::Pairs, half: &dyn Fn(int16x8_t) -> int16x8_t| -> Self::Pairs {
                pairs.map(|pairs| int16x8x2_t(half(pairs.0), half(pairs.1)))
            };
            let even = of(a, &|bytes| vshrq_n_s16::<8>(vshlq_n_s16::<8>(bytes)));
            let sums = Self::add_products(sums, even, of(b, &|bytes| vandq_s16(bytes, vdupq_n_s16(0xff))));
            let high = |bytes| vreinterpretq_s16_u16(vshrq_n_u16::<8>(vreinterpretq_u16_s16(bytes)));
            Self::add_products(sums, of(a, &|bytes| vshrq_n_s16::<8>(bytes)), of(b, &high))
        }
    }

    #[inline(always)]
    unsafe fn store_short(to: *mut i16, value: Self::Integers, by: i32) {
        // SAFETY: see above. A shift by less than nothing goes down.
        unsafe {
            let short = value.map(|quarter| vqmovn_s32(vshlq_s32(quarter, vdupq_n_s32(-by))));
            vst1q_s16(to, vcombine_s16(short[0], short[1]));
            vst1q_s16(to.add(8), vcombine_s16(short[2], short[3]));
        }
    }

    #[inline(always)]
    unsafe fn no_doubles() -> Self::Doubles {
        // SAFETY: see above.
        [unsafe { vdupq_n_f64(0.0) }; 8]
    }

    #[inline(always)]
    unsafe fn add_squares(mut sums: Self::Doubles, a: *const f32, b: *const f32) -> Self::Doubles {
        for part in 0..4 {
            // SAFETY: see above.
            unsafe {
                let (a, b) = (vld1q_f32(a.add(part * 4)), vld1q_f32(b.add(part * 4)));
                let low = vsubq_f64(vcvt_f64_f32(vget_low_f32(a)), vcvt_f64_f32(vget_low_f32(b)));
                let high = vsubq_f64(vcvt_high_f64_f32(a), vcvt_high_f64_f32(b));
                sums[2 * part] = vaddq_f64(sums[2 * part], vmulq_f64(low, low));
                sums[2 * part + 1] = vaddq_f64(sums[2 * part + 1], vmulq_f64(high, high));
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_doubles(to: *mut f64, value: Self::Doubles) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1q_f64(to.add(part * 2), value) };
        }
    }

    #[inline(always)]
    unsafe fn total(value: Self::Doubles) -> f64 {
        // SAFETY: see above.
        unsafe {
            let eight = quarters!(part => vaddq_f64(value[part], value[part + 4]));
            let four = [vaddq_f64(eight[0], eight[2]), vaddq_f64(eight[1], eight[3])];
            vaddvq_f64(vaddq_f64(four[0], four[1]))
        }
    }

    #[inline(always)]
    unsafe fn prefetch_near(from: *const u8) {
        // SAFETY: a prefetch never faults, writes nothing and needs no stack.
        unsafe { asm!("prfm pldl1keep, [{0}]", in(reg) from, options(nostack, readonly, preserves_flags)) }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
#[allow(clippy::indexing_slicing, reason = "four registers, constant positions")]
impl ShortLanes for Neon {
    type Shorts = [int16x8_t; 2];

    #[inline(always)]
    unsafe fn load_sixteen(from: *const i16) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { [vld1q_s16(from), vld1q_s16(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn store_sixteen(to: *mut i16, value: Self::Shorts) {
        // SAFETY: see above.
        unsafe {
            vst1q_s16(to, value[0]);
            vst1q_s16(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { [vaddq_s16(a[0], b[0]), vaddq_s16(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { [vsubq_s16(a[0], b[0]), vsubq_s16(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn floats(value: Self::Integers) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vcvtq_f32_s32(value[part])) }
    }

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> Self::Floats {
        // SAFETY: see above.
        unsafe { quarters!(part => vcvtq_f32_s32(vmovl_s16(vld1_s16(from.add(part * 4))))) }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: Self::Floats) {
        for (part, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1_s16(to.add(part * 4), vmovn_s32(vcvtnq_s32_f32(value))) };
        }
    }

    #[inline(always)]
    unsafe fn transpose_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above. First and second numbers are in registers of their own, as they lie in memory.
        unsafe {
            let pairs = |at: usize| int16x8x2_t(vld1q_s16(from.add(at)), vld1q_s16(from.add(at + 16)));
            [pairs(0), pairs(8)]
        }
    }
}

/// A bit of every lane, of which all or none are set.
#[inline(always)]
unsafe fn bits(lanes: [uint32x4_t; 4]) -> u32 {
    // SAFETY: the caller's contract.
    unsafe {
        // Sixteen bytes that are 255 or 0; of each the bit of its place among eight.
        let low = vcombine_u16(vmovn_u32(lanes[0]), vmovn_u32(lanes[1]));
        let high = vcombine_u16(vmovn_u32(lanes[2]), vmovn_u32(lanes[3]));
        let places = vcreate_u8(0x8040_2010_0804_0201);
        let low = vaddv_u8(vand_u8(vmovn_u16(low), places));
        let high = vaddv_u8(vand_u8(vmovn_u16(high), places));
        u32::from(low) | u32::from(high) << 8
    }
}
