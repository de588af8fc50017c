//! Units that multiply small matrices at once, with factors of fewer bits than f32.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::ir::features::MmaConfig;
use burn_cubecl::cubecl::ir::{ElemType, FloatKind};

use super::unit_kernel::{PLANE, SIDE};
use crate::device::Precision;

/// A kind of matrix unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatrixUnit {
    /// Factors of tf32.
    Tf32,
    /// Factors of f16.
    F16,
    /// Factors of bf16.
    Bf16,
    /// None: plain loops over the same slices.
    #[cfg_attr(not(test), allow(dead_code, reason = "what the tests try the kernel with"))]
    Emulated,
}

impl MatrixUnit {
    /// The units that a precision lets a product use: none in f32, whose factors they would round.
    pub(crate) fn of(precision: Precision) -> Option<Self> {
        match precision {
            Precision::F32 => None,
            Precision::Tf32 => Some(Self::Tf32),
            Precision::F16 => Some(Self::F16),
            Precision::Bf16 => Some(Self::Bf16),
        }
    }

    /// Factors that a unit takes at once along the inner axis.
    pub(super) fn step(self) -> usize {
        if self == Self::Tf32 { 8 } else { 16 }
    }

    /// The number format of the factors.
    pub(super) fn factor(self) -> ElemType {
        ElemType::Float(match self {
            Self::Tf32 => FloatKind::TF32,
            Self::F16 => FloatKind::F16,
            Self::Bf16 => FloatKind::BF16,
            Self::Emulated => FloatKind::F32,
        })
    }

    /// Whether a device has them, in planes of the size that the kernel is written for.
    pub(super) fn is_there(self, client: &Client) -> bool {
        if self == Self::Emulated {
            return true;
        }
        let properties = client.properties();
        let (a_type, cd_type) = (self.factor(), ElemType::Float(FloatKind::F32));
        let (m, k) = (SIDE as u32, self.step() as u32);
        let config = MmaConfig { a_type, b_type: a_type, cd_type, m, n: m, k };
        let hardware = &properties.hardware;
        (hardware.plane_size_min, hardware.plane_size_max) == (PLANE, PLANE)
            && properties.features.matmul.cmma.contains(&config)
    }
}
