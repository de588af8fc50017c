//! The number format of the memory bank.

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// The number format in which a bank is kept, in the file and on a GPU. Distances are always computed in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankDtype {
    /// 32 bits: the embeddings as they are.
    #[default]
    F32,
    /// 16 bits: half the size; every value is rounded by at most 1 part in 2,048.
    F16,
}

impl BankDtype {
    /// The name in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            BankDtype::F32 => "f32",
            BankDtype::F16 => "f16",
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = [BankDtype::F32, BankDtype::F16].into_iter().find(|dtype| dtype.name() == name);
        let found = name.to_owned();
        known.ok_or(ConfigError::OutOfRange { parameter: "bank_dtype", found, expected: "f32 or f16" })
    }
}
