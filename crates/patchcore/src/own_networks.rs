//! Networks that an application brings, by the names that its settings and model files use.

use std::sync::Arc;

use patchcore_config::{Architecture, Checked, ConfigError, MemberConfig, Network, OwnLevel, OwnNetwork};
use patchcore_core::backbone::Backbone;
use patchcore_core::error::ModelFileError;
use patchcore_core::model_file::{ModelHeader, NetworkDigest};

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
    pub(crate) fn check_used<'a>(&self, used: impl Iterator<Item = &'a str> + Clone) -> Result<(), Error> {
        let unused = self.0.iter().find(|network| !used.clone().any(|name| name == network.name()));
        let Some(unused) = unused else { return Ok(()) };
        let mut named: Vec<&str> = used.collect();
        named.dedup();
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

    /// The network of every member, for a configuration with networks of the application's own; `None` where all are the catalogue's.
    ///
    /// # Errors
    /// [`ConfigError::NoPlan`] for one that was not given.
    pub(crate) fn of_members(&self, config: &Checked) -> Result<Option<Vec<Arc<dyn Backbone>>>, ConfigError> {
        let networks = || config.members.iter().map(|member| &member.backbone);
        if networks().all(|network| network.architecture().is_some()) {
            return Ok(None);
        }
        let missing = |network: &Network| ConfigError::NoPlan { name: network.name().to_owned() };
        let given = |network: &Network| self.named(network.name()).cloned().ok_or_else(|| missing(network));
        networks().map(given).collect::<Result<_, _>>().map(Some)
    }

    /// [`OwnNetworks::of_members`] for a model that is loaded.
    ///
    /// # Errors
    /// [`ModelFileError::NetworkNeeded`].
    pub(crate) fn of_file(&self, header: &ModelHeader) -> Result<Option<Vec<Arc<dyn Backbone>>>, ModelFileError> {
        let missing = header
            .networks
            .iter()
            .find(|network| Architecture::from_name(&network.name).is_err() && !self.has(&network.name));
        if let Some(NetworkDigest { name, sha256 }) = missing {
            let given = self.0.iter().map(|network| network.name().to_owned()).collect();
            return Err(ModelFileError::NetworkNeeded { name: name.clone(), expected: sha256.clone(), given });
        }
        Ok(self.of_members(&header.config)?)
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
