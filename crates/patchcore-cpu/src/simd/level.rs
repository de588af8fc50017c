//! Which implementation of a kernel runs: a [`Level`] can be no higher than the token in it.

#[cfg(target_arch = "x86_64")]
use super::amx::Amx;
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
#[cfg(target_arch = "aarch64")]
use super::neon_dot::NeonDot;
use crate::{INSTRUCTIONS, Instructions};

/// Which implementation of a kernel runs. The token in it proves that this processor has the instructions; the sets of other
/// architectures are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Plain Rust that the compiler vectorises for its target.
    Portable,
    /// wasm's 128-bit vectors.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// 128-bit vectors, 32 registers.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    /// The same with products of four bytes.
    #[cfg(target_arch = "aarch64")]
    NeonDot(NeonDot),
    /// 256-bit vectors, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2<false>),
    /// The same with products of pairs.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(Avx2<true>),
    /// 512-bit vectors, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512<false>),
    /// The same with products of pairs.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512<true>),
    /// The same with a unit for products of matrices.
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
}

impl Level {
    /// The level of a set, if this processor has it.
    pub(crate) fn of(set: Instructions) -> Option<Self> {
        match set {
            Instructions::Portable => Some(Self::Portable),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Instructions::Simd128 => Some(Self::Simd128),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => Neon::detect().map(Self::Neon),
            #[cfg(target_arch = "aarch64")]
            Instructions::NeonDot => NeonDot::detect().map(Self::NeonDot),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => Avx2::detect().map(Self::AvxVnni),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => Avx512::detect().map(Self::Avx512Vnni),
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx => Amx::detect().map(Self::Amx),
            // Of another architecture.
            _ => None,
        }
    }

    /// The widest level of vectors that this processor has, up to `limit`. What multiplies no matrices on a unit for it asks for none:
    /// the grant lasts as long as the program, which then needs larger stacks for its signals.
    pub(crate) fn at_most(limit: Instructions) -> Self {
        Self::widest(|set| set <= limit && set != Instructions::Amx)
    }

    /// The widest level that this processor has, up to `limit`, with its matrix unit: where the limit allows one, it is asked for and
    /// tried.
    pub(crate) fn with_unit_at_most(limit: Instructions) -> Self {
        Self::widest(|set| set <= limit)
    }

    /// From the widest down, so that nothing is asked for what is not taken.
    fn widest(is_wanted: impl Fn(Instructions) -> bool) -> Self {
        let mut wanted = INSTRUCTIONS.into_iter().rev().filter(|set| is_wanted(*set));
        wanted.find_map(Self::of).unwrap_or(Self::Portable)
    }

    /// All levels that this processor has.
    #[cfg(test)]
    pub(crate) fn available() -> Vec<Self> {
        INSTRUCTIONS.into_iter().filter_map(Self::of).collect()
    }

    /// Those of them that differ in kernels of `f32`.
    #[cfg(test)]
    pub(crate) fn available_for_floats() -> Vec<Self> {
        let twins = [Instructions::NeonDot, Instructions::AvxVnni, Instructions::Avx512Vnni, Instructions::Amx];
        INSTRUCTIONS.into_iter().filter(|set| !twins.contains(set)).filter_map(Self::of).collect()
    }

    /// Whether `a * b + c` is rounded once.
    #[cfg(test)]
    pub(crate) fn is_fused(self) -> bool {
        match self {
            Self::Portable => cfg!(target_arch = "aarch64"),
            _ => !cfg!(target_arch = "wasm32"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_and_a_set_that_is_there_is_taken() {
        for limit in INSTRUCTIONS {
            let within = || INSTRUCTIONS.into_iter().filter(|set| *set <= limit);
            assert_eq!(Some(Level::with_unit_at_most(limit)), within().filter_map(Level::of).next_back());
            let vectors = within().filter(|set| *set != Instructions::Amx).filter_map(Level::of).next_back();
            assert_eq!(Some(Level::at_most(limit)), vectors);
            // The operating system may refuse a matrix unit that is there.
            let is_refused = limit == Instructions::Amx && limit.is_available() && Level::of(limit).is_none();
            assert!(is_refused || Level::of(limit).is_some() == limit.is_available(), "{limit:?}");
        }
        assert_eq!(Level::at_most(Instructions::Portable), Level::Portable);
        assert_eq!(Level::with_unit_at_most(Instructions::native()), *Level::available().last().unwrap());
    }
}
