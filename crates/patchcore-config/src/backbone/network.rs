//! The network that a member names: one of the catalogue, or an application's own.

use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use super::plan::Plan;
use crate::error::ConfigError;
use crate::view::Normalization;

/// The frozen network of a member. A configuration of a network of the catalogue stores its name; one of an application's own stores
/// its name and what its levels look like, so that shapes and memory are known without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Network {
    /// A network of the catalogue.
    Catalogue(Architecture),
    /// A network that the application brings: `Backbone` of `patchcore-core`.
    Own(OwnNetwork),
}

/// What a configuration knows of an application's own network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnNetwork {
    /// Its name; none of the catalogue's.
    pub name: String,
    /// Its levels, in network order.
    pub levels: Vec<OwnLevel>,
}

/// One level of an application's own network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLevel {
    /// Its name.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Input pixels per cell and axis.
    pub stride: usize,
}

impl Network {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Network::Catalogue(architecture) => architecture.name(),
            Network::Own(own) => &own.name,
        }
    }

    /// The catalogue's network; `None` for an application's own.
    pub fn architecture(&self) -> Option<Architecture> {
        match self {
            Network::Catalogue(architecture) => Some(*architecture),
            Network::Own(_) => None,
        }
    }

    /// Channels and stride of a layer; `None` for a layer that does not exist.
    pub fn layer_shape(&self, layer: &str) -> Option<(usize, usize)> {
        match self {
            Network::Catalogue(architecture) => architecture.layer_shape(layer),
            Network::Own(own) => {
                own.levels.iter().find(|level| level.name == layer).map(|level| (level.channels, level.stride))
            }
        }
    }

    /// The layers that are tapped unless others are asked for: the paper's two of a network of the catalogue, the last two levels of an own
    /// one.
    pub fn default_layers(&self) -> Vec<String> {
        match self {
            Network::Catalogue(architecture) => architecture.default_layers().map(str::to_owned).to_vec(),
            Network::Own(own) => {
                let levels = own.levels.iter().skip(own.levels.len().saturating_sub(2));
                levels.map(|level| level.name.clone()).collect()
            }
        }
    }

    /// The layer whose grid is the next finer one before `layer`'s, the deepest of several; `None` where the network has none.
    pub fn finer_layer(&self, layer: &str) -> Option<String> {
        let (_, own) = self.layer_shape(layer)?;
        let finer = |(name, stride): (&str, usize)| (stride < own).then(|| (stride, name.to_owned()));
        let levels: Vec<(usize, String)> = match self {
            Network::Catalogue(architecture) => {
                let levels = architecture.entry().levels.iter();
                levels.filter_map(|level| finer((level.name, level.stride))).collect()
            }
            Network::Own(own) => own.levels.iter().filter_map(|level| finer((&level.name, level.stride))).collect(),
        };
        // `max_by_key` takes the last of equal ones.
        levels.into_iter().max_by_key(|(stride, _)| *stride).map(|(_, name)| name)
    }

    /// What the network expects of its input: ImageNet's statistics for an own one, unless the member says otherwise.
    pub fn normalization(&self) -> Normalization {
        match self {
            Network::Catalogue(architecture) => architecture.normalization(),
            Network::Own(_) => Normalization::IMAGENET,
        }
    }

    /// The steps up to the deepest of `layers`, with those layers tapped.
    ///
    /// # Errors
    /// As [`Architecture::plan`], and [`ConfigError::NoPlan`] for an application's own network.
    pub fn plan(&self, layers: &[String]) -> Result<Plan, ConfigError> {
        match self {
            Network::Catalogue(architecture) => architecture.plan(layers),
            Network::Own(own) => Err(ConfigError::NoPlan { name: own.name.clone() }),
        }
    }

    /// Whether these layers exist, in network order, and the network is one at all.
    pub(crate) fn verify(&self, layers: &[String]) -> Result<(), ConfigError> {
        let own = match self {
            Network::Catalogue(architecture) => return architecture.plan(layers).map(|_| ()),
            Network::Own(own) => own,
        };
        let out_of_range =
            |found: String, expected| Err(ConfigError::OutOfRange { parameter: "backbone", found, expected });
        if own.name.is_empty() || Architecture::from_name(&own.name).is_ok() {
            return out_of_range(
                format!("an own network named `{}`", own.name),
                "a name that the catalogue does not have",
            );
        }
        let bad = own.levels.iter().find(|level| level.channels == 0 || !(1..=256).contains(&level.stride));
        if let Some(OwnLevel { name, channels, stride }) = bad {
            let found = format!("level `{name}` with {channels} channels and stride {stride}");
            return out_of_range(found, "levels with channels, and strides from 1 to 256");
        }
        if layers.is_empty() {
            return Err(ConfigError::NoLayers);
        }
        let mut remaining = own.levels.iter();
        match layers.iter().find(|layer| !remaining.any(|level| level.name == **layer)) {
            None => Ok(()),
            Some(layer) => Err(ConfigError::UnknownLayer {
                layer: layer.clone(),
                backbone: own.name.clone(),
                known: own.levels.iter().map(|level| level.name.as_str()).collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

impl From<Architecture> for Network {
    fn from(architecture: Architecture) -> Self {
        Network::Catalogue(architecture)
    }
}

impl From<OwnNetwork> for Network {
    fn from(own: OwnNetwork) -> Self {
        Network::Own(own)
    }
}

impl PartialEq<Architecture> for Network {
    fn eq(&self, other: &Architecture) -> bool {
        self.architecture() == Some(*other)
    }
}
