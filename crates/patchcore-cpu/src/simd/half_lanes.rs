//! Sixteen `bf16` at a time: the upper half of an `f32`, for networks whose maps and weights take two bytes a number.
//!
//! Sums stay `f32`. Where no instruction multiplies pairs of `bf16`, they are made `f32` first, which is exact.

use super::lanes::{LANES, Lanes};
use super::portable::Portable;

/// The `bf16` next to a value, of two the even one; what is no number stays none.
#[inline(always)]
pub(crate) fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        // Not infinity, even where the upper half alone would be that.
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// The largest `bf16` that is a number.
pub(crate) const LARGEST_HALF: f32 = f32::from_bits(0x7f7f_0000);

/// The value of a `bf16`.
#[inline(always)]
pub(crate) fn from_half(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// `f32` that come from `bf16` and become such again.
///
/// # Safety
/// As [`Lanes`]; pointers must be valid for as many numbers as are read or written, at any alignment.
pub(crate) trait HalfLanes: Lanes {
    /// Sixteen `bf16`.
    unsafe fn load_halves(from: *const u16) -> Self::Floats;
    /// Sixteen floats, each as [`to_half`] has it.
    unsafe fn store_halves(to: *mut u16, value: Self::Floats);
    /// The first ones of sixteen pairs, and the second ones.
    unsafe fn load_half_pairs(from: *const u16) -> [Self::Floats; 2];
    /// The first one of a pair, and the second one, in every lane.
    unsafe fn splat_half_pair(from: *const u16) -> [Self::Floats; 2];
}

// SAFETY (of every function below): the trait's contract.
impl HalfLanes for Portable {
    #[inline(always)]
    unsafe fn load_halves(from: *const u16) -> Self::Floats {
        // SAFETY: see above.
        unsafe { from.cast::<[u16; LANES]>().read_unaligned() }.map(from_half)
    }

    #[inline(always)]
    unsafe fn store_halves(to: *mut u16, value: Self::Floats) {
        // SAFETY: see above.
        unsafe { to.cast::<[u16; LANES]>().write_unaligned(value.map(to_half)) }
    }

    #[inline(always)]
    unsafe fn load_half_pairs(from: *const u16) -> [Self::Floats; 2] {
        // SAFETY: see above.
        let pairs = unsafe { from.cast::<[[u16; 2]; LANES]>().read_unaligned() };
        [pairs.map(|pair| from_half(pair[0])), pairs.map(|pair| from_half(pair[1]))]
    }

    #[inline(always)]
    unsafe fn splat_half_pair(from: *const u16) -> [Self::Floats; 2] {
        // SAFETY: see above.
        let pair = unsafe { from.cast::<[u16; 2]>().read_unaligned() };
        [[from_half(pair[0]); LANES], [from_half(pair[1]); LANES]]
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::*;

    use super::super::avx2::Avx2;
    use super::super::avx512::Avx512;
    use super::HalfLanes;

    /// The first and second numbers of sixteen pairs.
    #[inline(always)]
    unsafe fn apart_512(pairs: __m512i) -> [__m512; 2] {
        // SAFETY: the caller's contract.
        unsafe {
            let second = _mm512_and_si512(pairs, _mm512_set1_epi32(!0xffff));
            [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)), _mm512_castsi512_ps(second)]
        }
    }

    // SAFETY (of every function below): the trait's contract.
    impl<const VNNI: bool> HalfLanes for Avx512<VNNI> {
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> __m512 {
            // SAFETY: see above.
            unsafe {
                let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
            }
        }

        #[inline(always)]
        unsafe fn store_halves(to: *mut u16, value: __m512) {
            // SAFETY: see above.
            unsafe {
                let bits = _mm512_castps_si512(value);
                let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
                let rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
                let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
                let kept = _mm512_mask_or_epi32(rounded, none, bits, _mm512_set1_epi32(0x40_0000));
                _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(kept)));
            }
        }

        #[inline(always)]
        unsafe fn load_half_pairs(from: *const u16) -> [__m512; 2] {
            // SAFETY: see above.
            unsafe { apart_512(_mm512_loadu_si512(from.cast())) }
        }

        #[inline(always)]
        unsafe fn splat_half_pair(from: *const u16) -> [__m512; 2] {
            // SAFETY: see above.
            unsafe { apart_512(_mm512_set1_epi32(from.cast::<i32>().read_unaligned())) }
        }
    }

    /// The first and second numbers of eight pairs.
    #[inline(always)]
    unsafe fn apart_256(pairs: __m256i) -> [__m256; 2] {
        // SAFETY: the caller's contract.
        unsafe {
            let second = _mm256_and_si256(pairs, _mm256_set1_epi32(!0xffff));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)), _mm256_castsi256_ps(second)]
        }
    }

    /// The `bf16` of eight floats, in the lower halves of their lanes.
    #[inline(always)]
    unsafe fn rounded_256(value: __m256) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe {
            let bits = _mm256_castps_si256(value);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
            let none = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(value, value));
            let kept = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
            _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, kept, none))
        }
    }

    // SAFETY (of every function below): the trait's contract.
    impl<const VNNI: bool> HalfLanes for Avx2<VNNI> {
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> Self::Floats {
            // SAFETY: see above.
            unsafe {
                let half = |at: usize| {
                    let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(at).cast()));
                    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
                };
                [half(0), half(8)]
            }
        }

        #[inline(always)]
        unsafe fn store_halves(to: *mut u16, value: Self::Floats) {
            // SAFETY: see above. Packing takes the halves of both registers in turn.
            unsafe {
                let packed = _mm256_packus_epi32(rounded_256(value[0]), rounded_256(value[1]));
                _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
            }
        }

        #[inline(always)]
        unsafe fn load_half_pairs(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above.
            unsafe {
                let low = apart_256(_mm256_loadu_si256(from.cast()));
                let high = apart_256(_mm256_loadu_si256(from.add(16).cast()));
                [[low[0], high[0]], [low[1], high[1]]]
            }
        }

        #[inline(always)]
        unsafe fn splat_half_pair(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above.
            unsafe {
                let pair = apart_256(_mm256_set1_epi32(from.cast::<i32>().read_unaligned()));
                [[pair[0]; 2], [pair[1]; 2]]
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::*;

    use super::super::neon::Neon;
    use super::HalfLanes;

    /// The first and second numbers of four pairs.
    #[inline(always)]
    unsafe fn apart(pairs: uint32x4_t) -> [float32x4_t; 2] {
        // SAFETY: the caller's contract.
        unsafe {
            let second = vandq_u32(pairs, vdupq_n_u32(!0xffff));
            [vreinterpretq_f32_u32(vshlq_n_u32::<16>(pairs)), vreinterpretq_f32_u32(second)]
        }
    }

    /// The `bf16` of four floats.
    #[inline(always)]
    unsafe fn rounded(value: float32x4_t) -> uint16x4_t {
        // SAFETY: the caller's contract.
        unsafe {
            let bits = vreinterpretq_u32_f32(value);
            let odd = vandq_u32(vshrq_n_u32::<16>(bits), vdupq_n_u32(1));
            let rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
            let kept = vorrq_u32(bits, vdupq_n_u32(0x40_0000));
            vshrn_n_u32::<16>(vbslq_u32(vceqq_f32(value, value), rounded, kept))
        }
    }

    // SAFETY (of every function below): the trait's contract.
    #[allow(clippy::indexing_slicing, reason = "four registers, constant positions")]
    impl HalfLanes for Neon {
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> Self::Floats {
            let quarter = |part: usize| {
                // SAFETY: see above.
                unsafe { vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(from.add(part * 4)))) }
            };
            [quarter(0), quarter(1), quarter(2), quarter(3)]
        }

        #[inline(always)]
        unsafe fn store_halves(to: *mut u16, value: Self::Floats) {
            for (part, value) in value.into_iter().enumerate() {
                // SAFETY: see above.
                unsafe { vst1_u16(to.add(part * 4), rounded(value)) };
            }
        }

        #[inline(always)]
        unsafe fn load_half_pairs(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above; bytes have any alignment.
            let quarter = |part: usize| unsafe { apart(vreinterpretq_u32_u16(vld1q_u16(from.add(part * 8)))) };
            let parts = [quarter(0), quarter(1), quarter(2), quarter(3)];
            [parts.map(|part| part[0]), parts.map(|part| part[1])]
        }

        #[inline(always)]
        unsafe fn splat_half_pair(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above.
            unsafe { apart(vdupq_n_u32(from.cast::<u32>().read_unaligned())).map(|value| [value; 4]) }
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm32 {
    use std::arch::wasm32::*;

    use super::super::simd128::Simd128;
    use super::HalfLanes;

    /// The first and second numbers of four pairs.
    #[inline(always)]
    fn apart(pairs: v128) -> [v128; 2] {
        [u32x4_shl(pairs, 16), v128_and(pairs, u32x4_splat(!0xffff))]
    }

    /// The `bf16` of four floats, in the lower halves of their lanes.
    #[inline(always)]
    fn rounded(value: v128) -> v128 {
        let odd = v128_and(u32x4_shr(value, 16), u32x4_splat(1));
        let rounded = u32x4_add(u32x4_add(value, u32x4_splat(0x7fff)), odd);
        let kept = v128_or(value, u32x4_splat(0x40_0000));
        u32x4_shr(v128_bitselect(rounded, kept, f32x4_eq(value, value)), 16)
    }

    // SAFETY (of every function below): the trait's contract.
    #[allow(clippy::indexing_slicing, reason = "four vectors, constant positions")]
    impl HalfLanes for Simd128 {
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> Self::Floats {
            // SAFETY: see above.
            let quarter = |part: usize| unsafe { u32x4_shl(u32x4_load_extend_u16x4(from.add(part * 4)), 16) };
            [quarter(0), quarter(1), quarter(2), quarter(3)]
        }

        #[inline(always)]
        unsafe fn store_halves(to: *mut u16, value: Self::Floats) {
            let value = value.map(rounded);
            // SAFETY: see above.
            unsafe {
                v128_store(to.cast(), u16x8_narrow_i32x4(value[0], value[1]));
                v128_store(to.add(8).cast(), u16x8_narrow_i32x4(value[2], value[3]));
            }
        }

        #[inline(always)]
        unsafe fn load_half_pairs(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above.
            let quarter = |part: usize| unsafe { apart(v128_load(from.add(part * 8).cast())) };
            let parts = [quarter(0), quarter(1), quarter(2), quarter(3)];
            [parts.map(|part| part[0]), parts.map(|part| part[1])]
        }

        #[inline(always)]
        unsafe fn splat_half_pair(from: *const u16) -> [Self::Floats; 2] {
            // SAFETY: see above.
            apart(unsafe { v128_load32_splat(from.cast()) }).map(|value| [value; 4])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Level, dispatch};
    use super::*;

    #[test]
    fn halves_are_the_nearest_and_of_two_the_even_one() {
        for half in 0..=u16::MAX {
            let value = from_half(half);
            if value.is_nan() {
                assert!(from_half(to_half(value)).is_nan());
                continue;
            }
            assert_eq!(to_half(value), half);
            // The next one away from zero, where there is one.
            let next = from_half(half.wrapping_add(1));
            if value.is_finite() && next.is_finite() {
                let even = if half % 2 == 0 { half } else { half + 1 };
                let middle = f32::from_bits((u32::from(half) << 16) + 0x8000);
                assert_eq!(to_half(middle), even);
                assert_eq!(to_half(f32::from_bits(middle.to_bits() - 1)), half);
                assert_eq!(to_half(f32::from_bits(middle.to_bits() + 1)), half + 1);
            }
        }
        assert_eq!(from_half(to_half(f32::MAX)), f32::INFINITY);
        assert!(from_half(to_half(f32::from_bits(0x7f80_0001))).is_nan());
        assert!(from_half(to_half(f32::from_bits(0xffff_ffff))).is_nan());
    }

    /// What the operations give, in their order.
    type Found = ([[u32; LANES]; 5], [u16; LANES]);

    #[inline(always)]
    unsafe fn run<L: HalfLanes>(halves: &[u16; 2 * LANES], floats: &[f32; LANES], out: &mut Found) {
        // SAFETY: as many numbers as are read and written.
        unsafe {
            let [first, second] = L::load_half_pairs(halves.as_ptr());
            let [one, other] = L::splat_half_pair(halves.as_ptr().add(5));
            for (to, value) in out.0.iter_mut().zip([L::load_halves(halves.as_ptr().add(1)), first, second, one, other])
            {
                L::store(to.as_mut_ptr().cast(), value);
            }
            L::store_halves(out.1.as_mut_ptr(), L::load(floats.as_ptr()));
        }
    }

    dispatch! {
        fn run_on(halves: &[u16; 2 * LANES], floats: &[f32; LANES], out: &mut Found) => run
    }

    #[test]
    fn every_set_does_what_one_number_after_the_other_does() {
        for level in Level::available() {
            for seed in 0..4000_u32 {
                let random = |at: usize| (at as u32 + seed * 77).wrapping_mul(2_654_435_761).rotate_left(seed % 32);
                let halves: [u16; 2 * LANES] = std::array::from_fn(|at| random(at) as u16);
                let floats: [f32; LANES] = std::array::from_fn(|at| match at {
                    3 => f32::from_bits(0x7f80_0000 | random(at) >> 9),
                    7 => f32::from_bits(random(at) & 0xffff_0000 | 0x8000),
                    _ => f32::from_bits(random(at + 100)),
                });
                let mut found = ([[0; LANES]; 5], [0; LANES]);
                // SAFETY: the level is there.
                unsafe { run_on(level, &halves, &floats, &mut found) };
                let wide = |half: u16| u32::from(half) << 16;
                let of = |f: &dyn Fn(usize) -> u16| std::array::from_fn(|lane| wide(f(lane)));
                let expected = (
                    [
                        of(&|lane| halves[lane + 1]),
                        of(&|lane| halves[2 * lane]),
                        of(&|lane| halves[2 * lane + 1]),
                        of(&|_| halves[5]),
                        of(&|_| halves[6]),
                    ],
                    floats.map(to_half),
                );
                assert_eq!(found, expected, "{level:?}, {seed}");
            }
        }
    }
}
