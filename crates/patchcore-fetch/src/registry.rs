//! The registry of published weights: which file, from where, which digest, under which licence.

use patchcore_config::CATALOGUE;
use patchcore_config::backbone::{NetworkEntry, WeightsSource};
use serde::Deserialize;

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
    /// [`FetchError::Registry`] for text that is no registry, a name that occurs twice, a digest of fewer than eight hex
    /// digits, and for what the catalogue of networks says otherwise: name, version, licence.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let refused = |detail: String| FetchError::Registry { detail };
        let registry: Self = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        for (index, entry) in registry.weights.iter().enumerate() {
            let name = &entry.name;
            let known = published().find(|network| network.name == *name);
            let Some(network) = known else {
                return Err(refused(format!("the catalogue knows no published weights of `{name}`")));
            };
            let is_version =
                matches!(network.weights, WeightsSource::Published { version } if version == entry.version);
            if !is_version || network.licence != entry.licence {
                let (weights, licence) = (network.weights, network.licence);
                return Err(refused(format!("`{name}` differs from the catalogue, which has {weights:?}, {licence}")));
            }
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

    /// The registry that ships with this crate.
    ///
    /// # Errors
    ///
    /// [`FetchError::Registry`]: a fault of this crate.
    pub fn shipped() -> Result<Self, FetchError> {
        Self::parse(patchcore_assets::WEIGHTS)
    }

    /// The entries of those names, or all; `from` is where they are to come from, a folder or mirror for several.
    ///
    /// # Errors
    ///
    /// [`FetchError::UnknownBackbone`], [`FetchError::OneFile`].
    pub fn chosen(&self, names: &[String], all: bool, from: Option<&str>) -> Result<Vec<&RegistryEntry>, FetchError> {
        let chosen: Vec<&RegistryEntry> = match all {
            true => self.weights.iter().collect(),
            false => names.iter().map(|name| self.get(name)).collect::<Result<_, _>>()?,
        };
        let is_for_one = |from: &&str| !from.ends_with('/') && !std::path::Path::new(from).is_dir();
        match from.filter(is_for_one) {
            Some(from) if chosen.len() != 1 => Err(FetchError::OneFile { from: from.into(), count: chosen.len() }),
            _ => Ok(chosen),
        }
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

/// Levels up to which weights can be installed: the deepest that each network needs by default, and those behind it.
pub fn last_layers() -> Vec<&'static str> {
    let mut names = Vec::new();
    for network in published() {
        let levels = network.levels.iter().skip(network.needed_levels().saturating_sub(1));
        names.extend(levels.map(|level| level.name).filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    names
}

/// The networks of the catalogue whose weights are published.
pub fn published() -> impl Iterator<Item = &'static NetworkEntry> {
    CATALOGUE.iter().filter(|network| matches!(network.weights, WeightsSource::Published { .. }))
}

#[cfg(test)]
mod tests {
    use patchcore_assets::WEIGHTS as REGISTRY;

    use super::*;

    #[test]
    fn the_registry_has_every_published_network_of_the_catalogue() {
        let registry = Registry::parse(REGISTRY).unwrap();
        let names = registry.weights.iter().map(|entry| entry.name.as_str());
        assert!(names.eq(published().map(|network| network.name)));
        for entry in &registry.weights {
            assert!(entry.url.starts_with("https://") && entry.url.contains(&entry.sha256[..8]), "{}", entry.url);
        }
    }

    #[test]
    fn a_wrong_registry_is_refused() {
        let text = REGISTRY;
        for (from, to) in [
            ("resnet34", "resnet18"),
            ("f37072fd\"", "f37\""),
            ("licence", "licensed"),
            ("resnet50\"", "resnet51\""),
            ("name = \"resnet50\"", "name = \"efficientnet_lite0\""),
            ("IMAGENET1K_V1", "IMAGENET1K_V2"),
            ("BSD-3-Clause", "MIT"),
        ] {
            let broken = text.replace(from, to);
            assert_ne!(broken, text);
            assert!(Registry::parse(&broken).is_err(), "{from} -> {to}");
        }
        assert!(Registry::parse("").is_err());
        assert!(Registry::parse(text).unwrap().get("resnet19").is_err());
    }
}
