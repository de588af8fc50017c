//! NEON's extension for dot products: what it has beside [`Neon`].
//!
//! Its products are of bytes with a sign, so a number from 0 to 255 lies in memory 128 less.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::lanes::{ExactLanes, Lanes};
use super::neon::Neon;

/// The proof that this processor has NEON with products of four bytes in one instruction (`sdot`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeonDot(());

/// Sixteen fours of bytes, in the lanes of their integers.
pub(crate) type Fours = [int8x16_t; 4];

/// What lies in memory of 0.
const ZERO: u8 = 128;

/// # Safety
/// Of each: the extension is enabled; pointers are valid for as many bytes as are read or written, at any alignment.
#[allow(clippy::indexing_slicing, reason = "four registers, constant positions")]
impl NeonDot {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        (Neon::detect().is_some() && is_aarch64_feature_detected!("dotprod")).then_some(Self(()))
    }

    /// Sixteen fours.
    #[inline(always)]
    pub(crate) unsafe fn load_fours(from: *const i8) -> Fours {
        // SAFETY: the caller's contract.
        let quarter = |part: usize| unsafe { vld1q_s8(from.add(part * 16)) };
        [quarter(0), quarter(1), quarter(2), quarter(3)]
    }

    /// One four, in every lane.
    #[inline(always)]
    pub(crate) unsafe fn splat_four(from: *const i8) -> Fours {
        // SAFETY: the caller's contract; the read needs no alignment.
        [unsafe { vreinterpretq_s8_u32(vdupq_n_u32(from.cast::<u32>().read_unaligned())) }; 4]
    }

    /// Of four times sixteen bytes the fours of those with the same place.
    #[inline(always)]
    pub(crate) unsafe fn transpose_fours(from: *const i8) -> Fours {
        // SAFETY: the caller's contract.
        unsafe {
            let [a, b, c, d] = Self::load_fours(from);
            let (even, odd) = (vzipq_s8(a, c), vzipq_s8(b, d));
            let (low, high) = (vzipq_s8(even.0, odd.0), vzipq_s8(even.1, odd.1));
            [low.0, low.1, high.0, high.1]
        }
    }

    /// `sums` plus the products of four bytes in every lane.
    #[inline(always)]
    pub(crate) unsafe fn add_four_products(
        sums: <Neon as ExactLanes>::Integers,
        a: Fours,
        b: Fours,
    ) -> <Neon as ExactLanes>::Integers {
        // SAFETY: the caller's contract.
        let quarter = |part: usize| unsafe { add_products_of_quarter(sums[part], a[part], b[part]) };
        [quarter(0), quarter(1), quarter(2), quarter(3)]
    }

    /// Sixteen numbers from 0 to 255.
    #[inline(always)]
    pub(crate) unsafe fn load_bytes_as_floats(from: *const i8) -> <Neon as Lanes>::Floats {
        // SAFETY: the caller's contract.
        unsafe {
            let bytes = veorq_u8(vld1q_u8(from.cast()), vdupq_n_u8(ZERO));
            let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
            let wide = [
                vmovl_u16(vget_low_u16(low)),
                vmovl_high_u16(low),
                vmovl_u16(vget_low_u16(high)),
                vmovl_high_u16(high),
            ];
            wide.map(|quarter| vcvtq_f32_u32(quarter))
        }
    }

    /// Sixteen numbers between 0 and 255, each rounded to the nearest integer, halves to even.
    #[inline(always)]
    pub(crate) unsafe fn store_bytes(to: *mut i8, value: <Neon as Lanes>::Floats) {
        // SAFETY: the caller's contract.
        unsafe {
            let [a, b, c, d] = value.map(|quarter| vmovn_u32(vcvtnq_u32_f32(quarter)));
            let bytes = vcombine_u8(vmovn_u16(vcombine_u16(a, b)), vmovn_u16(vcombine_u16(c, d)));
            vst1q_u8(to.cast(), veorq_u8(bytes, vdupq_n_u8(ZERO)));
        }
    }
}

/// `sdot`, for which this compiler has no function yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_products_of_quarter(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: registers alone; the instruction is enabled.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) a, in(vreg) b, options(pure, nomem, nostack, preserves_flags));
    }
    sums
}
