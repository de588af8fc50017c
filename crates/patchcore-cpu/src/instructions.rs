//! The vector instructions that the CPU's own kernels may use.

use serde::{Deserialize, Serialize};

use patchcore_config::ConfigError;

use crate::simd::{Avx2Fma, Avx512F, Token};

/// The widest vector instructions that the CPU's own kernels (network, search, coreset) may use. Each kernel takes the widest
/// set that it has code for, up to this one.
///
/// The neighbours of given features, their distances, and the picks among given projections are the same bits in every set; the
/// network rounds differently in each, because sums of other lengths are kept in registers.
///
/// Two matrix products choose for themselves (the `gemm` crate). That of the search turns its queries: it decides which rows are
/// looked at first, never which is the nearest. That of a fit's random projection rounds as the processor
/// does, so that picks at near ties may differ between processors, whatever is set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Instructions {
    /// Plain Rust loops, as the compiler makes them for its target.
    Portable,
    /// x86-64: 256-bit vectors with fused multiply-add (AVX2 and FMA).
    Avx2,
    /// x86-64: 512-bit vectors (AVX-512 F; the search and the coreset also need BW, VL and VNNI, else they use AVX2).
    Avx512,
}

/// Every set, the widest last.
pub const INSTRUCTIONS: [Instructions; 3] = [Instructions::Portable, Instructions::Avx2, Instructions::Avx512];

impl Instructions {
    /// The name in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Portable => "portable",
            Instructions::Avx2 => "avx2",
            Instructions::Avx512 => "avx512",
        }
    }

    /// The set of that name.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = INSTRUCTIONS.into_iter().find(|set| set.name() == name);
        known.ok_or_else(|| ConfigError::OutOfRange {
            parameter: "instructions",
            found: name.to_owned(),
            expected: "one of portable, avx2, avx512",
        })
    }

    /// Whether this processor has the set.
    pub fn is_available(self) -> bool {
        match self {
            Instructions::Portable => true,
            Instructions::Avx2 => Avx2Fma::detect().is_some(),
            Instructions::Avx512 => Avx512F::detect().is_some(),
        }
    }

    /// All sets that this processor has, the widest last.
    pub fn available() -> impl Iterator<Item = Self> {
        INSTRUCTIONS.into_iter().filter(|set| set.is_available())
    }

    /// The widest set that this processor has.
    pub fn native() -> Self {
        // Portable is always among them.
        Self::available().last().unwrap_or(Instructions::Portable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_a_name_of_its_own_and_others_are_refused() {
        for set in INSTRUCTIONS {
            assert_eq!(Instructions::from_name(set.name()), Ok(set));
        }
        let error = Instructions::from_name("sse2").unwrap_err();
        assert_eq!(error.to_string(), "instructions is sse2: expected one of portable, avx2, avx512");
    }

    #[test]
    fn the_native_set_is_the_widest_that_is_there() {
        assert!(Instructions::available().all(|set| set <= Instructions::native()));
        assert!(Instructions::native().is_available() && Instructions::Portable.is_available());
    }
}
