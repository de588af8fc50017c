//! The number format in which a network computes: a property of a model, not of a device.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// The number format of a member's network, in the fit and in every score.
///
/// It decides the features, so a bank and the photos that are scored with it have the same one: a model stores it. How a GPU computes
/// an f32 network is another matter and no part of a configuration. Distances and maps are always computed in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkPrecision {
    /// 32 bits: the published numbers.
    #[default]
    F32,
    /// Weights and maps of 16 bits, 8 of them for the value; sums in f32.
    Bf16,
    /// Weights and maps of 8 bits. The fit measures what range the 8 bits of a map cover
    /// ([`ActivationRanges`](crate::backbone::ActivationRanges)), one for all its channels. Sums are exact integers, so
    /// that every processor gives the same bits.
    Int8,
}

/// Every number format of a network, the most exact one first.
pub const NETWORK_PRECISIONS: [NetworkPrecision; 3] =
    [NetworkPrecision::F32, NetworkPrecision::Bf16, NetworkPrecision::Int8];

impl NetworkPrecision {
    /// The name in settings, files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            NetworkPrecision::F32 => "f32",
            NetworkPrecision::Bf16 => "bf16",
            NetworkPrecision::Int8 => "int8",
        }
    }

    /// The number format of that name.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = NETWORK_PRECISIONS.into_iter().find(|precision| precision.name() == name);
        let found = name.to_owned();
        known.ok_or(ConfigError::OutOfRange {
            parameter: "network_precision",
            found,
            expected: "one of f32, bf16, int8",
        })
    }

    /// Whether the network computes as published.
    pub fn is_f32(&self) -> bool {
        *self == NetworkPrecision::F32
    }

    /// Whether a fit measures ranges for it before it fills the bank.
    pub fn has_ranges(self) -> bool {
        self == NetworkPrecision::Int8
    }
}

impl fmt::Display for NetworkPrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files() {
        for precision in NETWORK_PRECISIONS {
            assert_eq!(NetworkPrecision::from_name(precision.name()), Ok(precision));
            assert_eq!(serde_json::to_string(&precision).unwrap(), format!("\"{precision}\""));
        }
        let refused = NetworkPrecision::from_name("f16").unwrap_err().to_string();
        assert_eq!(refused, "network_precision is f16: expected one of f32, bf16, int8");
    }
}
