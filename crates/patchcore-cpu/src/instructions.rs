//! The vector instructions that the CPU's own kernels may use.

use serde::{Deserialize, Serialize};

use patchcore_config::ConfigError;

#[cfg(target_arch = "x86_64")]
use crate::simd::{Amx, Avx2, Avx512};
#[cfg(target_arch = "aarch64")]
use crate::simd::{Neon, NeonDot};

/// The widest vector instructions that the CPU's own kernels (network, search, coreset) may use. Each kernel takes the widest
/// set that it has code for, up to this one.
///
/// The neighbours of given features, their distances, and the picks among given projections are the same bits in every set. The
/// network's features in `f32` are the same bits in those that fuse multiplication and addition (AVX2, AVX-512, NEON), and in those that do
/// not; between the two they round differently, and for grey photos every width of vectors rounds differently at the photo's edge.
///
/// Two matrix products choose for themselves (the `gemm` crate). That of the search's index finds its axes: they decide which rows
/// are looked at first, never which is the nearest. That of a fit's random projection rounds as the processor
/// does, so that picks at near ties may differ between processors, whatever is set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Instructions {
    /// Plain Rust loops, as the compiler makes them for its target.
    Portable,
    /// wasm32: 128-bit vectors, where the module was compiled with them.
    Simd128,
    /// aarch64: 128-bit vectors with fused multiply-add (NEON).
    Neon,
    /// The same, with products of four bytes in one instruction (the extension for dot products): for networks in `int8`.
    NeonDot,
    /// x86-64: 256-bit vectors with fused multiply-add (AVX2 and FMA).
    Avx2,
    /// The same, with products of pairs of integers, or of four bytes, in one instruction (AVX-VNNI): for the search, the coreset, and
    /// networks in `int8`.
    AvxVnni,
    /// x86-64: 512-bit vectors (AVX-512 F, BW and VL).
    Avx512,
    /// The same, with products of pairs of integers, or of four bytes, in one instruction (AVX-512 VNNI): for the search, the coreset, and
    /// networks in `int8`. Networks in `bf16` take AVX-512 BF16 where the processor has it beside this.
    Avx512Vnni,
    /// The same, with a unit for products of matrices (AMX-TILE, AMX-INT8 and AMX-BF16), where the operating system grants it (Linux):
    /// for networks in `int8` and `bf16`.
    Amx,
}

/// Every set, the widest last.
pub const INSTRUCTIONS: [Instructions; 9] = [
    Instructions::Portable,
    Instructions::Simd128,
    Instructions::Neon,
    Instructions::NeonDot,
    Instructions::Avx2,
    Instructions::AvxVnni,
    Instructions::Avx512,
    Instructions::Avx512Vnni,
    Instructions::Amx,
];

impl Instructions {
    /// The name in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Portable => "portable",
            Instructions::Simd128 => "simd128",
            Instructions::Neon => "neon",
            Instructions::NeonDot => "neon_dot",
            Instructions::Avx2 => "avx2",
            Instructions::AvxVnni => "avx_vnni",
            Instructions::Avx512 => "avx512",
            Instructions::Avx512Vnni => "avx512_vnni",
            Instructions::Amx => "amx",
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
            expected: "one of portable, simd128, neon, neon_dot, avx2, avx_vnni, avx512, avx512_vnni, amx",
        })
    }

    /// Whether this processor has the set. A matrix unit ([`Instructions::Amx`]) is asked for, and tried, when a network that uses it is
    /// made, not here; where the operating system refuses it, that network does with the next set.
    pub fn is_available(self) -> bool {
        match self {
            Instructions::Portable => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Instructions::Simd128 => true,
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => Neon::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Instructions::NeonDot => NeonDot::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Avx2::<false>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => Avx2::<true>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => Avx512::<false>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => Avx512::<true>::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx => Amx::is_there(),
            // Of another architecture.
            _ => false,
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
        assert_eq!(
            error.to_string(),
            "instructions is sse2: expected one of portable, simd128, neon, neon_dot, avx2, avx_vnni, avx512, avx512_vnni, amx"
        );
    }

    #[test]
    fn the_native_set_is_the_widest_that_is_there() {
        assert!(Instructions::available().all(|set| set <= Instructions::native()));
        assert!(Instructions::native().is_available() && Instructions::Portable.is_available());
    }
}
