//! [`Lanes`] on two AVX registers.

use std::arch::x86_64::{
    __m256, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_set1_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::lanes::Lanes;
use super::token::Avx2Fma;

// SAFETY (of every function below): the trait's contract is that AVX2 and FMA are enabled and pointers are valid.
impl Lanes for Avx2Fma {
    type Vector = (__m256, __m256);

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: see above.
        let half = unsafe { _mm256_set1_ps(value) };
        (half, half)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Vector {
        // SAFETY: see above.
        unsafe { (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::Vector) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(to, value.0);
            _mm256_storeu_ps(to.add(8), value.1);
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { (_mm256_fmadd_ps(a.0, b.0, c.0), _mm256_fmadd_ps(a.1, b.1, c.1)) }
    }

    #[inline(always)]
    unsafe fn prefetch(from: *const f32) {
        // SAFETY: a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn at_least(bound: Self::Vector, x: Self::Vector) -> Self::Vector {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { (_mm256_max_ps(bound.0, x.0), _mm256_max_ps(bound.1, x.1)) }
    }

    #[inline(always)]
    unsafe fn at_most(bound: Self::Vector, x: Self::Vector) -> Self::Vector {
        // SAFETY: see above. The instruction returns its second operand when either is NaN.
        unsafe { (_mm256_min_ps(bound.0, x.0), _mm256_min_ps(bound.1, x.1)) }
    }
}
