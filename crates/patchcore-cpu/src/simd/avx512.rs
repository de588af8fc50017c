//! Sixteen lanes in one AVX-512 register, with VNNI where the processor has it.

use std::arch::asm;
use std::arch::x86_64::*;

use super::avx2::total_256;
use super::lanes::{ByteLanes, ExactLanes, Lanes, ShortLanes};

/// The proof that this processor has AVX-512 with the extensions for bytes and words and for shorter vectors, and with `VNNI` also
/// the one that multiplies pairs and adds in one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512<const VNNI: bool>(());

impl<const VNNI: bool> Avx512<VNNI> {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        let vnni = !VNNI || is_x86_feature_detected!("avx512vnni");
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        (vnni && found).then_some(Self(()))
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> Lanes for Avx512<VNNI> {
    type Floats = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: __m512) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn at_least(bound: __m512, x: __m512) -> __m512 {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { _mm512_max_ps(bound, x) }
    }

    #[inline(always)]
    unsafe fn at_most(bound: __m512, x: __m512) -> __m512 {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { _mm512_min_ps(bound, x) }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> ExactLanes for Avx512<VNNI> {
    const MANY_REGISTERS: bool = true;
    const BYTES: bool = VNNI;
    type Integers = __m512i;
    type Pairs = __m512i;
    type Doubles = [__m512d; 2];

    #[inline(always)]
    unsafe fn splat_integer(value: i32) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_integers(to: *mut i32, value: __m512i) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_si512(to.cast(), value) }
    }

    #[inline(always)]
    unsafe fn add_integers(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_integers(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_sub_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn lesser(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_min_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn not_above(a: __m512i, b: __m512i) -> u32 {
        // SAFETY: see above.
        unsafe { u32::from(_mm512_cmple_epi32_mask(a, b)) }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> __m512i {
        // SAFETY: see above; the read needs no alignment.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe { if VNNI { add_products_512(sums, a, b) } else { _mm512_add_epi32(sums, _mm512_madd_epi16(a, b)) } }
    }

    #[inline(always)]
    unsafe fn add_byte_products(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe {
            if VNNI {
                return add_four_products_512(sums, b, a);
            }
            let even = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(a));
            let sums = Self::add_products(sums, even, _mm512_and_si512(b, _mm512_set1_epi16(0xff)));
            Self::add_products(sums, _mm512_srai_epi16::<8>(a), _mm512_srli_epi16::<8>(b))
        }
    }

    #[inline(always)]
    unsafe fn store_short(to: *mut i16, value: __m512i, by: i32) {
        // SAFETY: see above.
        unsafe {
            let shifted = _mm512_sra_epi32(value, _mm_cvtsi32_si128(by));
            _mm256_storeu_si256(to.cast(), _mm512_cvtsepi32_epi16(shifted));
        }
    }

    #[inline(always)]
    unsafe fn shorts_not_above(from: *const i16, limit: i16) -> u32 {
        // SAFETY: see above.
        unsafe { _mm512_cmple_epi16_mask(_mm512_loadu_si512(from.cast()), _mm512_set1_epi16(limit)) }
    }

    #[inline(always)]
    unsafe fn store_positions(to: *mut u32, mask: u32, first: u32) {
        // SAFETY: see above; of the lower sixteen there are no more than sixteen before the upper ones.
        unsafe {
            let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
            let low = _mm512_add_epi32(lanes, _mm512_set1_epi32(first as i32));
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(16));
            _mm512_storeu_si512(to.cast(), _mm512_maskz_compress_epi32(mask as u16, low));
            let upper = to.add((mask as u16).count_ones() as usize);
            _mm512_storeu_si512(upper.cast(), _mm512_maskz_compress_epi32((mask >> 16) as u16, high));
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const i8) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn no_doubles() -> Self::Doubles {
        // SAFETY: see above.
        [unsafe { _mm512_setzero_pd() }; 2]
    }

    #[inline(always)]
    unsafe fn add_squares(mut sums: Self::Doubles, a: *const f32, b: *const f32) -> Self::Doubles {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: see above.
            unsafe {
                let (a, b) = (_mm256_loadu_ps(a.add(half * 8)), _mm256_loadu_ps(b.add(half * 8)));
                let difference = _mm512_sub_pd(_mm512_cvtps_pd(a), _mm512_cvtps_pd(b));
                *sum = _mm512_add_pd(*sum, _mm512_mul_pd(difference, difference));
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_doubles(to: *mut f64, value: Self::Doubles) {
        // SAFETY: see above.
        unsafe {
            _mm512_storeu_pd(to, value[0]);
            _mm512_storeu_pd(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn total(value: Self::Doubles) -> f64 {
        // SAFETY: see above.
        unsafe {
            let eight = _mm512_add_pd(value[0], value[1]);
            total_256(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd::<1>(eight))
        }
    }

    #[inline(always)]
    unsafe fn prefetch_near(from: *const u8) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> ShortLanes for Avx512<VNNI> {
    type Shorts = __m256i;

    #[inline(always)]
    unsafe fn load_sixteen(from: *const i16) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_sixteen(to: *mut i16, value: Self::Shorts) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_si256(to.cast(), value) }
    }

    #[inline(always)]
    unsafe fn add_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { _mm256_add_epi16(a, b) }
    }

    #[inline(always)]
    unsafe fn sub_shorts(a: Self::Shorts, b: Self::Shorts) -> Self::Shorts {
        // SAFETY: see above.
        unsafe { _mm256_sub_epi16(a, b) }
    }

    #[inline(always)]
    unsafe fn floats(value: __m512i) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi32_ps(value) }
    }

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: __m512) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(value))) }
    }

    #[inline(always)]
    unsafe fn transpose_pairs(from: *const i16) -> __m512i {
        // SAFETY: see above.
        unsafe {
            // Short `i` of the upper half, then of the lower, in the two halves of integer `i`.
            let even = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
            let places =
                _mm512_add_epi32(_mm512_set1_epi32(16 << 16), _mm512_mullo_epi32(even, _mm512_set1_epi32(0x1_0001)));
            _mm512_permutexvar_epi16(places, _mm512_loadu_si512(from.cast()))
        }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl ByteLanes for Avx512<true> {
    type Fours = __m512i;

    #[inline(always)]
    unsafe fn load_fours(from: *const i8) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_four(from: *const u8) -> __m512i {
        // SAFETY: see above; the read needs no alignment.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add_four_products(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see above.
        unsafe { add_four_products_512(sums, a, b) }
    }

    #[inline(always)]
    unsafe fn load_bytes_as_floats(from: *const u8) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, value: __m512) {
        // SAFETY: see above.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value))) }
    }

    #[inline(always)]
    unsafe fn store_four_held_bytes(to: *mut u8, values: [__m512; 4]) {
        // SAFETY: see above. What is beyond an integer becomes the least one, so the upper bound comes first; packing saturates at 0. It
        // takes quarters of both registers in turn.
        unsafe {
            let most = _mm512_set1_ps(255.0);
            let [a, b, c, d] = values.map(|value| _mm512_cvtps_epi32(_mm512_min_ps(value, most)));
            let packed = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            let places = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
            _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi32(places, packed));
        }
    }

    #[inline(always)]
    unsafe fn transpose_fours(from: *const u8) -> __m512i {
        // SAFETY: see above.
        unsafe {
            // Fours of places from all four vectors side by side, then each 4 x 4 bytes turned.
            let fours = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
            let bytes = _mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
            let sorted = _mm512_permutexvar_epi32(fours, _mm512_loadu_si512(from.cast()));
            _mm512_shuffle_epi8(sorted, _mm512_broadcast_i32x4(bytes))
        }
    }
}

/// `vpdpbusd`, which the compiler leaves whole: bytes without a sign in `a`, with one in `b`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_four_products_512(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_dpbusd_epi32(sums, a, b)
}

/// `vpdpwssd`, which the compiler would take apart: it thinks of the latency of one sum, and there are two dozen. The two
/// instructions that it makes of it take twice the time on Intel's processors, which have one port for 512-bit products.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_products_512(mut sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: registers alone; the instruction is enabled.
    unsafe {
        asm!("vpdpwssd {0}, {1}, {2}", inout(zmm_reg) sums, in(zmm_reg) a, in(zmm_reg) b, options(pure, nomem, nostack, preserves_flags));
    }
    sums
}
