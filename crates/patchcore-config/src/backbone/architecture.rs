//! A network by its name: a handle into the catalogue.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::catalogue::CATALOGUE;
use super::network_entry::NetworkEntry;
use super::plan::Plan;
use crate::{ConfigError, Normalization};

/// A backbone's architecture, one of [`CATALOGUE`]; weights come separately ([`crate::BackboneWeights`]). It is written and read
/// as its name.
#[derive(Clone, Copy)]
pub struct Architecture(&'static NetworkEntry);

/// Those that code names; the others come from [`Architecture::from_name`].
impl Architecture {
    /// The small network that ships with the code.
    pub const EFFICIENTNET_LITE0: Self = Self::named("efficientnet_lite0");
    /// The smallest ResNet.
    pub const RESNET18: Self = Self::named("resnet18");
    /// The largest ResNet of basic blocks.
    pub const RESNET34: Self = Self::named("resnet34");
    /// The smallest ResNet of bottlenecks.
    pub const RESNET50: Self = Self::named("resnet50");
    /// The paper's backbone.
    pub const WIDE_RESNET50_2: Self = Self::named("wide_resnet50_2");

    /// Looked up by the compiler, which stops at a name that is not in the catalogue.
    const fn named(name: &str) -> Self {
        let mut rest = CATALOGUE;
        while let Some((entry, others)) = rest.split_first() {
            if is_same(entry.name.as_bytes(), name.as_bytes()) {
                return Self(entry);
            }
            rest = others;
        }
        #[expect(clippy::panic, reason = "the compiler stops here, a program never comes here")]
        {
            panic!("not in the catalogue")
        }
    }
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let (Some((a, rest_of_one)), Some((b, rest_of_other))) = (one.split_first(), other.split_first()) {
        if *a != *b {
            return false;
        }
        (one, other) = (rest_of_one, rest_of_other);
    }
    one.is_empty() && other.is_empty()
}

impl Architecture {
    /// Every network, in the catalogue's order.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(Self)
    }

    /// The network of that name.
    ///
    /// # Errors
    /// [`ConfigError::UnknownBackbone`], which lists the known names.
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        Self::all().find(|known| known.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Self::all().map(Self::name).collect();
            ConfigError::UnknownBackbone { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// What the catalogue says of it.
    pub fn entry(self) -> &'static NetworkEntry {
        self.0
    }

    /// The name used in settings, files and on the command line.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What the pretrained weights expect of their input.
    pub fn normalization(self) -> Normalization {
        self.0.normalization
    }

    /// Layers that can be tapped, in network order.
    pub fn layers(self) -> impl Iterator<Item = &'static str> {
        self.0.levels.iter().map(|level| level.name)
    }

    /// The paper's choice of levels: stages 2 and 3, strides 8 and 16.
    pub fn default_layers(self) -> [&'static str; 2] {
        self.0.default_levels
    }

    /// Channels and stride of a layer; `None` for a layer that does not exist.
    pub fn layer_shape(self, layer: &str) -> Option<(usize, usize)> {
        self.0.level(layer).map(|level| (level.channels, level.stride))
    }

    /// The steps up to the deepest of `layers`, with those layers tapped.
    ///
    /// # Errors
    /// [`ConfigError::UnknownLayer`] and [`ConfigError::NoLayers`].
    pub fn plan(self, layers: &[String]) -> Result<Plan, ConfigError> {
        self.0.plan(layers)
    }
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Architecture {}

impl Hash for Architecture {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_name(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_and_read_as_its_name() {
        for architecture in Architecture::all() {
            let text = serde_json::to_string(&architecture).unwrap();
            assert_eq!(text, format!("\"{}\"", architecture.name()));
            assert_eq!(serde_json::from_str::<Architecture>(&text).unwrap(), architecture);
        }
        let error = serde_json::from_str::<Architecture>("\"resnet19\"").unwrap_err().to_string();
        assert!(error.contains("`resnet19`") && error.contains("wide_resnet101_2"), "{error}");
        assert_eq!(Architecture::RESNET18, Architecture::from_name("resnet18").unwrap());
        assert_ne!(Architecture::RESNET18, Architecture::RESNET34);
    }
}
