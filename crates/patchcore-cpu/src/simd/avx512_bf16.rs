//! AVX-512's products of pairs of `bf16`.

use std::arch::x86_64::*;

use super::avx512::Avx512;

/// The proof that this processor has AVX-512 with VNNI and with products of pairs of `bf16` (AVX-512 BF16). Not a set of its own: it
/// comes along with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512Bf16(());

impl Avx512Bf16 {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        (Avx512::<true>::detect().is_some() && is_x86_feature_detected!("avx512bf16")).then_some(Self(()))
    }

    /// `sums + a.0 * b.0 + a.1 * b.1` in every lane; numbers below the normal ones count as 0.
    ///
    /// # Safety
    /// The processor has the instructions, and they are enabled.
    #[inline(always)]
    pub(crate) unsafe fn add_half_products(sums: __m512, a: __m512i, b: __m512i) -> __m512 {
        // SAFETY: the caller's contract; the types are the same 512 bits.
        unsafe {
            _mm512_dpbf16_ps(
                sums,
                std::mem::transmute::<__m512i, __m512bh>(a),
                std::mem::transmute::<__m512i, __m512bh>(b),
            )
        }
    }
}
