//! NEON's extension for dot products: what it has beside [`Neon`].

use std::arch::is_aarch64_feature_detected;

use super::neon::Neon;

/// The proof that this processor has NEON with products of four bytes in one instruction (`sdot`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeonDot(());

impl NeonDot {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        (Neon::detect().is_some() && is_aarch64_feature_detected!("dotprod")).then_some(Self(()))
    }
}
