//! Networks that an application brings, by the names that its settings and model files use.

use std::sync::Arc;

use patchcore_config::{
    Architecture, Checked, ConfigError, MemberConfig, Network, NetworkWeights, OwnLevel, OwnNetwork,
};
use patchcore_core::backbone::Backbone;
use patchcore_core::error::{BackboneError, ModelFileError};
use patchcore_core::model_file::{DriftPolicy, ModelFile, ModelHeader, NetworkDigest};
use patchcore_core::{ComputeDevice, PatchCore, backbones_of};

use crate::error::Error;

/// The networks that an application has given.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnNetworks(Vec<Arc<dyn Backbone>>);

impl From<&[Arc<dyn Backbone>]> for OwnNetworks {
    fn from(networks: &[Arc<dyn Backbone>]) -> Self {
        Self(networks.to_vec())
    }
}

/// Equal networks have equal names and digests.
impl PartialEq for OwnNetworks {
    fn eq(&self, other: &Self) -> bool {
        let known = |networks: &Self| -> Vec<(String, String)> {
            networks.0.iter().map(|network| (network.name().to_owned(), network.sha256().to_owned())).collect()
        };
        known(self) == known(other)
    }
}

impl OwnNetworks {
    pub(crate) fn add(&mut self, network: Arc<dyn Backbone>) {
        self.0.push(network);
    }

    fn named(&self, name: &str) -> Option<&Arc<dyn Backbone>> {
        self.0.iter().find(|network| network.name() == name)
    }

    /// Whether a network of that name was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    /// The network of that name as a configuration knows it: one that was given, else the catalogue's.
    ///
    /// # Errors
    /// [`ConfigError::UnknownBackbone`], which lists all of them.
    pub(crate) fn network(&self, name: &str) -> Result<Network, ConfigError> {
        match self.named(name) {
            Some(network) => Ok(as_configured(network.as_ref()).into()),
            None => Architecture::from_name(name).map(Network::from).map_err(|error| match error {
                ConfigError::UnknownBackbone { name, known } => {
                    let own = self.0.iter().map(|network| network.name().to_owned());
                    ConfigError::UnknownBackbone { name, known: own.chain([known]).collect::<Vec<_>>().join(", ") }
                }
                error => error,
            }),
        }
    }

    /// Refuses networks that were given and that no member uses: another one would compute in their place.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub(crate) fn check_used(&self, members: &[MemberConfig]) -> Result<(), Error> {
        let mut named: Vec<&str> = members.iter().map(|member| member.backbone.name()).collect();
        named.dedup();
        let Some(unused) = self.0.iter().find(|network| !named.contains(&network.name())) else { return Ok(()) };
        let found = format!("{} where the network {} is given", named.join(", "), unused.name());
        let expected = "the name of every network that is given";
        Err(ConfigError::OutOfRange { parameter: "backbone", found, expected }.into())
    }

    /// Says of members with a network of the application's own what it expects of its input.
    pub(crate) fn normalize(&self, members: &mut [MemberConfig]) {
        for member in members {
            if let Some(network) = self.named(member.backbone.name()) {
                member.normalization = network.normalization();
            }
        }
    }

    /// The network of every member: one that was given, else the catalogue's with these weights.
    ///
    /// # Errors
    /// [`BackboneError`].
    pub(crate) fn backbones(
        &self,
        config: &Checked,
        weights: &NetworkWeights,
    ) -> Result<Vec<Arc<dyn Backbone>>, BackboneError> {
        backbones_of(config, weights.into(), &self.0)
    }

    /// Refuses a model that was fitted with a network of an application's own which was not given.
    ///
    /// # Errors
    /// [`ModelFileError::NetworkNeeded`].
    pub(crate) fn check_given(&self, header: &ModelHeader) -> Result<(), ModelFileError> {
        let is_missing =
            |network: &&NetworkDigest| Architecture::from_name(&network.name).is_err() && !self.has(&network.name);
        let Some(NetworkDigest { name, sha256 }) = header.networks.iter().find(is_missing) else { return Ok(()) };
        let given = self.0.iter().map(|network| network.name().to_owned()).collect();
        Err(ModelFileError::NetworkNeeded { name: name.clone(), expected: sha256.clone(), given })
    }

    /// The model of a file on a device, whatever it drifts by.
    ///
    /// # Errors
    /// [`ModelFileError`].
    pub(crate) fn model_of(
        &self,
        file: ModelFile,
        weights: &NetworkWeights,
        device: &ComputeDevice,
    ) -> Result<PatchCore, ModelFileError> {
        let backbones = self.backbones(&file.header.config, weights)?;
        file.into_model_with(&backbones, device, DriftPolicy::Allow)
    }
}

/// What a configuration says of an application's own network.
fn as_configured(network: &dyn Backbone) -> OwnNetwork {
    let levels = network.levels().iter().map(|level| OwnLevel {
        name: level.name.clone(),
        channels: level.channels,
        stride: level.stride,
    });
    OwnNetwork { name: network.name().to_owned(), levels: levels.collect() }
}
