//! The number format of the network and the embedding on a device.

use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use patchcore_config::ConfigError;

/// The number format in which the network and the embedding are computed. Distances and scores are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits: the published numbers.
    #[default]
    F32,
    /// 16 bits, 11 of them for the value.
    F16,
    /// 16 bits, 8 of them for the value.
    Bf16,
}

/// Every precision, the most exact one first.
pub const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::F16, Precision::Bf16];

impl Precision {
    /// The name in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
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
            expected: "one of f32, f16, bf16",
        })
    }

    /// How far the scores of a model may lie from those of its fit, as a share of the score, before a device is refused
    /// (see [`crate::passport`]). f32: another order of summation. f16, bf16: measured on real photographs, three times
    /// the largest difference seen.
    pub fn drift_tolerance(self) -> f64 {
        match self {
            Precision::F32 => 1e-3,
            Precision::F16 => 1e-2,
            Precision::Bf16 => 6e-2,
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// A tensor in this format.
    pub(crate) fn of<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Precision::F32 => tensor,
            Precision::F16 | Precision::Bf16 => tensor.cast(self.dtype()),
        }
    }

    /// A tensor of this format in f32.
    pub(crate) fn back<const D: usize>(self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Precision::F32 => tensor,
            Precision::F16 | Precision::Bf16 => tensor.cast(DType::F32),
        }
    }
}
