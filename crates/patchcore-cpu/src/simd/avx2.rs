//! Sixteen lanes in two AVX registers, with FMA, and with AVX-VNNI where the processor has it.

use std::arch::asm;
use std::arch::x86_64::*;

use super::lanes::{ByteLanes, ExactLanes, Lanes, ShortLanes};

/// The proof that this processor has AVX2 and FMA, and with `VNNI` also AVX-VNNI, which multiplies pairs and adds in one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        let vnni = !VNNI || is_x86_feature_detected!("avxvnni");
        (vnni && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> Lanes for Avx2<VNNI> {
    type Floats = [__m256; 2];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Floats {
        // SAFETY: see above.
        [unsafe { _mm256_set1_ps(value) }; 2]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::Floats) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(to, value[0]);
            _mm256_storeu_ps(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn at_least(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { [_mm256_max_ps(bound[0], x[0]), _mm256_max_ps(bound[1], x[1])] }
    }

    #[inline(always)]
    unsafe fn at_most(bound: Self::Floats, x: Self::Floats) -> Self::Floats {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { [_mm256_min_ps(bound[0], x[0]), _mm256_min_ps(bound[1], x[1])] }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> ExactLanes for Avx2<VNNI> {
    const MANY_REGISTERS: bool = false;
    const BYTES: bool = VNNI;
    type Integers = [__m256i; 2];
    type Pairs = [__m256i; 2];
    type Doubles = [__m256d; 4];

    #[inline(always)]
    unsafe fn splat_integer(value: i32) -> Self::Integers {
        // SAFETY: see above.
        [unsafe { _mm256_set1_epi32(value) }; 2]
    }

    #[inline(always)]
    unsafe fn load_integers(from: *const i32) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast())] }
    }

    #[inline(always)]
    unsafe fn store_integers(to: *mut i32, value: Self::Integers) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_si256(to.cast(), value[0]);
            _mm256_storeu_si256(to.add(8).cast(), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn sub_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [_mm256_sub_epi32(a[0], b[0]), _mm256_sub_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn lesser(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [_mm256_min_epi32(a[0], b[0]), _mm256_min_epi32(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn not_above(a: Self::Integers, b: Self::Integers) -> u32 {
        // SAFETY: see above.
        unsafe { !bits([_mm256_cmpgt_epi32(a[0], b[0]), _mm256_cmpgt_epi32(a[1], b[1])]) & 0xffff }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(16).cast())] }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs {
        // SAFETY: see above; the read needs no alignment.
        [unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }; 2]
    }

    #[inline(always)]
    unsafe fn add_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [add_products_256::<VNNI>(sums[0], a[0], b[0]), add_products_256::<VNNI>(sums[1], a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn add_byte_products(sums: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        // SAFETY: see above.
        unsafe {
            if VNNI {
                return [add_four_products_256(sums[0], b[0], a[0]), add_four_products_256(sums[1], b[1], a[1])];
            }
            let even = a.map(|half| _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(half)));
            let sums = Self::add_products(sums, even, b.map(|half| _mm256_and_si256(half, _mm256_set1_epi16(0xff))));
            let odd = a.map(|half| _mm256_srai_epi16::<8>(half));
            Self::add_products(sums, odd, b.map(|half| _mm256_srli_epi16::<8>(half)))
        }
    }

    #[inline(always)]
    unsafe fn store_short(to: *mut i16, value: Self::Integers, by: i32) {
        // SAFETY: see above. Packing takes the halves of both registers in turn.
        unsafe {
            let shifted = value.map(|half| _mm256_sra_epi32(half, _mm_cvtsi32_si128(by)));
            let packed = _mm256_packs_epi32(shifted[0], shifted[1]);
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
    }

    #[inline(always)]
    unsafe fn shorts_not_above(from: *const i16, limit: i16) -> u32 {
        // SAFETY: see above. Packing takes the halves of both registers in turn.
        unsafe {
            let limit = _mm256_set1_epi16(limit);
            let above = |at: usize| _mm256_cmpgt_epi16(_mm256_loadu_si256(from.add(at).cast()), limit);
            let packed = _mm256_packs_epi16(above(0), above(16));
            !(_mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed)) as u32)
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const i8) -> Self::Pairs {
        // SAFETY: see above.
        unsafe {
            let half = |at: usize| _mm256_cvtepi8_epi16(_mm_loadu_si128(from.add(at).cast()));
            [half(0), half(16)]
        }
    }

    #[inline(always)]
    unsafe fn no_doubles() -> Self::Doubles {
        // SAFETY: see above.
        [unsafe { _mm256_setzero_pd() }; 4]
    }

    #[inline(always)]
    unsafe fn add_squares(mut sums: Self::Doubles, a: *const f32, b: *const f32) -> Self::Doubles {
        for (part, sum) in sums.iter_mut().enumerate() {
            // SAFETY: see above.
            unsafe {
                let (a, b) = (_mm_loadu_ps(a.add(part * 4)), _mm_loadu_ps(b.add(part * 4)));
                let difference = _mm256_sub_pd(_mm256_cvtps_pd(a), _mm256_cvtps_pd(b));
                *sum = _mm256_add_pd(*sum, _mm256_mul_pd(difference, difference));
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store_doubles(to: *mut f64, value: Self::Doubles) {
        for (part, value) in value.iter().enumerate() {
            // SAFETY: see above.
            unsafe { _mm256_storeu_pd(to.add(part * 4), *value) };
        }
    }

    #[inline(always)]
    unsafe fn total(value: Self::Doubles) -> f64 {
        // SAFETY: see above.
        unsafe { total_256(_mm256_add_pd(value[0], value[2]), _mm256_add_pd(value[1], value[3])) }
    }

    #[inline(always)]
    unsafe fn prefetch_near(from: *const u8) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl<const VNNI: bool> ShortLanes for Avx2<VNNI> {
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
    unsafe fn floats(value: Self::Integers) -> Self::Floats {
        // SAFETY: see above.
        unsafe { [_mm256_cvtepi32_ps(value[0]), _mm256_cvtepi32_ps(value[1])] }
    }

    #[inline(always)]
    unsafe fn load_shorts(from: *const i16) -> Self::Floats {
        // SAFETY: see above.
        unsafe {
            let half = |at: usize| _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(from.add(at).cast())));
            [half(0), half(8)]
        }
    }

    #[inline(always)]
    unsafe fn store_shorts(to: *mut i16, value: Self::Floats) {
        // SAFETY: see above. Packing takes the halves of both registers in turn.
        unsafe {
            let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(value[0]), _mm256_cvtps_epi32(value[1]));
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
    }

    #[inline(always)]
    unsafe fn transpose_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: see above. Unpacking takes the halves of both registers in turn.
        unsafe {
            let sorted = |at: usize| _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_loadu_si256(from.add(at).cast()));
            let (first, second) = (sorted(0), sorted(16));
            [_mm256_unpacklo_epi16(first, second), _mm256_unpackhi_epi16(first, second)]
        }
    }
}

// SAFETY (of every function below): the trait's contract is that the instructions are enabled and pointers are valid.
impl ByteLanes for Avx2<true> {
    type Fours = [__m256i; 2];

    #[inline(always)]
    unsafe fn load_fours(from: *const i8) -> Self::Fours {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())] }
    }

    #[inline(always)]
    unsafe fn splat_four(from: *const u8) -> Self::Fours {
        // SAFETY: see above; the read needs no alignment.
        [unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }; 2]
    }

    #[inline(always)]
    unsafe fn add_four_products(sums: Self::Integers, a: Self::Fours, b: Self::Fours) -> Self::Integers {
        // SAFETY: see above.
        unsafe { [add_four_products_256(sums[0], a[0], b[0]), add_four_products_256(sums[1], a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn load_bytes_as_floats(from: *const u8) -> Self::Floats {
        // SAFETY: see above.
        unsafe {
            let half = |at: usize| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.add(at).cast())));
            [half(0), half(8)]
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, value: Self::Floats) {
        // SAFETY: see above. Packing takes the halves of both registers in turn.
        unsafe {
            let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(value[0]), _mm256_cvtps_epi32(value[1]));
            let sorted = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
            let (low, high) = (_mm256_castsi256_si128(sorted), _mm256_extracti128_si256::<1>(sorted));
            _mm_storeu_si128(to.cast(), _mm_packus_epi16(low, high));
        }
    }

    #[inline(always)]
    unsafe fn transpose_fours(from: *const u8) -> Self::Fours {
        // SAFETY: see above.
        unsafe {
            let vector = |at: usize| _mm_loadu_si128(from.add(16 * at).cast());
            let [a, b, c, d] = [vector(0), vector(1), vector(2), vector(3)];
            let (low, high) = (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
            let (other_low, other_high) = (_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d));
            let both =
                |pairs, others| _mm256_set_m128i(_mm_unpackhi_epi16(pairs, others), _mm_unpacklo_epi16(pairs, others));
            [both(low, other_low), both(high, other_high)]
        }
    }
}

/// `vpdpbusd`, which the compiler leaves whole: bytes without a sign in `a`, with one in `b`.
#[inline]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn add_four_products_256(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, a, b)
}

/// The highest bit of every lane.
#[inline(always)]
unsafe fn bits(lanes: [__m256i; 2]) -> u32 {
    // SAFETY: the caller's contract.
    unsafe {
        let [low, high] = lanes.map(|half| _mm256_movemask_ps(_mm256_castsi256_ps(half)) as u32);
        low | high << 8
    }
}

#[inline(always)]
unsafe fn add_products_256<const VNNI: bool>(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller's contract.
    unsafe { if VNNI { add_products_in_one(sums, a, b) } else { _mm256_add_epi32(sums, _mm256_madd_epi16(a, b)) } }
}

/// `vpdpwssd`, which the compiler would take apart into two instructions.
#[inline]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn add_products_in_one(mut sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: registers alone; the instruction is enabled.
    unsafe {
        asm!("{{vex}} vpdpwssd {0}, {1}, {2}", inout(ymm_reg) sums, in(ymm_reg) a, in(ymm_reg) b, options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

/// The sum of eight lanes, the lower four in `low`.
#[inline(always)]
pub(super) unsafe fn total_256(low: __m256d, high: __m256d) -> f64 {
    // SAFETY: the caller's contract.
    unsafe {
        let four = _mm256_add_pd(low, high);
        let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}
