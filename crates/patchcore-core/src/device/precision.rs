//! The number format of the network and the embedding on a device.

#[cfg(feature = "burn")]
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use patchcore_config::ConfigError;

/// The number format in which the network and the embedding are computed. Distances and scores are always f32.
///
/// A name is a promise about the factors of every product: their significands keep [`Precision::factor_bits`] bits. f32 means
/// f32: no step of a fit or a score rounds a factor to fewer, also where the hardware has units that would be faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits: the published numbers.
    #[default]
    F32,
    /// Values of 32 bits, whose factors matrix units round to 11 bits, with the range of f32; products are summed in f32. On
    /// devices that have such units (NVIDIA's since Ampere).
    Tf32,
    /// 16 bits, 11 of them for the value.
    F16,
    /// 16 bits, 8 of them for the value.
    Bf16,
}

/// Every precision, the most exact one first.
pub const PRECISIONS: [Precision; 4] = [Precision::F32, Precision::Tf32, Precision::F16, Precision::Bf16];

impl Precision {
    /// The name in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Tf32 => "tf32",
            Precision::F16 => "f16",
            Precision::Bf16 => "bf16",
        }
    }

    /// The precision of that name.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = PRECISIONS.into_iter().find(|precision| precision.name() == name);
        known.ok_or_else(|| ConfigError::OutOfRange {
            parameter: "precision",
            found: name.to_owned(),
            expected: "one of f32, tf32, f16, bf16",
        })
    }

    /// Bits of the significand that a factor of a product keeps, those after the leading one: the format's own.
    pub const fn factor_bits(self) -> u32 {
        match self {
            Precision::F32 => 23,
            Precision::Tf32 | Precision::F16 => 10,
            Precision::Bf16 => 7,
        }
    }

    /// How far the scores of a model may lie from those of its fit, as a share of the score, before a device is refused
    /// (see [`crate::passport`]). f32: another order of summation. f16, bf16: measured on real photographs, three times
    /// the largest difference seen. tf32: that of f16, which rounds the same factors to the same bits, and what a step hands
    /// to the next one besides; so tf32 drifts no further.
    pub fn drift_tolerance(self) -> f64 {
        match self {
            Precision::F32 => 1e-3,
            Precision::Tf32 | Precision::F16 => 1e-2,
            Precision::Bf16 => 6e-2,
        }
    }
}

#[cfg(feature = "burn")]
impl Precision {
    /// The format in which values lie in memory.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Precision::F32 | Precision::Tf32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// A tensor in this format.
    pub(crate) fn of<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Precision::F32 | Precision::Tf32 => tensor,
            Precision::F16 | Precision::Bf16 => tensor.cast(self.dtype()),
        }
    }

    /// A tensor of this format in f32.
    pub(crate) fn back<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Precision::F32 | Precision::Tf32 => tensor,
            Precision::F16 | Precision::Bf16 => tensor.cast(DType::F32),
        }
    }
}
