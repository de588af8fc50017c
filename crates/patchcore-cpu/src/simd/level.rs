//! Which implementation of a kernel runs: a [`Level`] can be no higher than the tokens in it.

use super::token::{Avx2, Avx2Fma, Avx512F, Avx512Vnni, Token};
use crate::Instructions;

/// Which implementation of a kernel runs. The tokens say what those with 256 and with 512 bits need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level<Half, Full> {
    /// Plain Rust that the compiler vectorises for its target.
    Portable,
    /// 256-bit vectors, 16 registers.
    Avx2(Half),
    /// 512-bit vectors, 32 registers.
    Avx512(Full),
}

/// The levels of kernels that compute in `f32`.
pub(crate) type FloatLevel = Level<Avx2Fma, Avx512F>;

/// The levels of kernels that compute in integers and `f64`.
pub(crate) type IntegerLevel = Level<Avx2, Avx512Vnni>;

impl<Half: Token, Full: Token> Level<Half, Full> {
    /// The widest level that this processor has, up to `limit`.
    pub(crate) fn at_most(limit: Instructions) -> Self {
        let full = || (limit >= Instructions::Avx512).then(Full::detect).flatten().map(Self::Avx512);
        let half = || (limit >= Instructions::Avx2).then(Half::detect).flatten().map(Self::Avx2);
        full().or_else(half).unwrap_or(Self::Portable)
    }

    /// All levels that this processor has.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        let half = Half::detect().map(Self::Avx2);
        std::iter::once(Self::Portable).chain(half).chain(Full::detect().map(Self::Avx512)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{FloatLevel, IntegerLevel, Level};
    use crate::{INSTRUCTIONS, Instructions};

    #[test]
    fn a_limit_is_kept_and_a_set_that_is_there_is_taken() {
        for limit in INSTRUCTIONS {
            let rank = |level: FloatLevel| match level {
                Level::Portable => Instructions::Portable,
                Level::Avx2(_) => Instructions::Avx2,
                Level::Avx512(_) => Instructions::Avx512,
            };
            let widest = Instructions::available().filter(|set| *set <= limit).last();
            assert_eq!(Some(rank(FloatLevel::at_most(limit))), widest);
        }
        assert_eq!(IntegerLevel::at_most(Instructions::Portable), Level::Portable);
        assert_eq!(FloatLevel::at_most(Instructions::native()), *FloatLevel::available().last().unwrap());
        assert_eq!(IntegerLevel::at_most(Instructions::Avx512), *IntegerLevel::available().last().unwrap());
    }
}
