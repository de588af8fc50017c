//! The registry of published weights: which file, from where, which digest, under which licence.

use serde::Deserialize;

use patchcore_weights::Architecture;

use super::error::FetchError;

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
    /// [`FetchError::Registry`] for text that is no registry, an unknown backbone, a name that occurs twice, a
    /// digest of fewer than eight hex digits.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let refused = |detail: String| FetchError::Registry { detail };
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
    /// [`FetchError::UnknownBackbone`] with the names there are.
    pub fn get(&self, name: &str) -> Result<&RegistryEntry, FetchError> {
        self.weights.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known: Vec<_> = self.weights.iter().map(|entry| entry.name.as_str()).collect();
            FetchError::UnknownBackbone { name: name.into(), known: known.join(", ") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::REGISTRY;
    use super::*;

    #[test]
    fn the_registry_has_every_resnet_with_the_papers_weights() {
        let registry = Registry::parse(REGISTRY).unwrap();
        assert_eq!(registry.weights.len(), Architecture::known().len());
        for known in Architecture::known() {
            let entry = registry.get(known.name).unwrap();
            assert_eq!(entry.version, "IMAGENET1K_V1");
            assert!(entry.url.starts_with("https://") && entry.url.contains(&entry.sha256[..8]), "{}", entry.url);
        }
    }

    #[test]
    fn a_wrong_registry_is_refused() {
        let text = REGISTRY;
        for (from, to) in
            [("resnet34", "resnet18"), ("f37072fd\"", "f37\""), ("licence", "licensed"), ("resnet50\"", "resnet51\"")]
        {
            let broken = text.replace(from, to);
            assert_ne!(broken, text);
            assert!(Registry::parse(&broken).is_err(), "{from} -> {to}");
        }
        assert!(Registry::parse("").is_err());
        assert!(Registry::parse(text).unwrap().get("resnet19").is_err());
    }
}
