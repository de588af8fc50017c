//! The registry of published weights: which file, from where, which digest, under which licence.

use serde::Deserialize;

use crate::import::{Architecture, WeightsError};

/// The entries of `assets/weights.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Entries in the order of the file.
    pub weights: Vec<RegistryEntry>,
}

/// Published weights of one backbone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryEntry {
    /// torchvision's name of the network.
    pub name: String,
    /// Which of the published weights: `IMAGENET1K_V1`, the ones PatchCore's paper used.
    pub version: String,
    /// Address of the published file.
    pub url: String,
    /// Size of that file in bytes, when it was seen.
    pub bytes: Option<u64>,
    /// First hex digits of its SHA-256: eight from its published name, or all 64 when the file was seen.
    pub sha256: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
}

impl Registry {
    /// Reads the registry and checks that every entry can be used.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Registry`] for text that is no registry, an unknown backbone, a name that occurs twice, a
    /// digest of fewer than eight hex digits.
    pub fn parse(text: &str) -> Result<Self, WeightsError> {
        let refused = |detail: String| WeightsError::Registry { detail };
        let registry: Self = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        for (index, entry) in registry.weights.iter().enumerate() {
            let name = &entry.name;
            Architecture::by_name(name).map_err(|error| refused(error.to_string()))?;
            if registry.weights.iter().take(index).any(|earlier| earlier.name == *name) {
                return Err(refused(format!("`{name}` occurs twice")));
            }
            let digits = entry.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if !digits || !(8..=64).contains(&entry.sha256.len()) {
                return Err(refused(format!("sha256 of `{name}` is not 8 to 64 lower-case hex digits")));
            }
        }
        Ok(registry)
    }

    /// The entry of that name.
    ///
    /// # Errors
    ///
    /// [`WeightsError::UnknownBackbone`] with the names there are.
    pub fn get(&self, name: &str) -> Result<&RegistryEntry, WeightsError> {
        self.weights.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known: Vec<_> = self.weights.iter().map(|entry| entry.name.as_str()).collect();
            WeightsError::UnknownBackbone { name: name.into(), known: known.join(", ") }
        })
    }
}
