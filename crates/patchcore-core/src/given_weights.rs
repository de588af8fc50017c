//! Weights as a fit and a load take them: of one network, or of several by their names.

use patchcore_config::{BackboneWeights, NetworkWeights};

/// The weights of a configuration's networks of the catalogue: those of the one that it has, or each under its network's name.
///
/// ```
/// use patchcore_config::{BackboneWeights, NetworkWeights};
/// use patchcore_core::GivenWeights;
///
/// let weights = BackboneWeights::default();
/// assert!(GivenWeights::from(&weights).of("resnet18").is_some());
/// let weights = NetworkWeights::new().with("resnet18", weights);
/// assert!(GivenWeights::from(&weights).of("resnet50").is_none());
/// ```
#[derive(Debug, Clone, Copy)]
pub enum GivenWeights<'a> {
    /// Of a configuration's only network, whatever it is called.
    OfOne(&'a BackboneWeights),
    /// By the names of the networks.
    ByName(&'a NetworkWeights),
}

impl<'a> GivenWeights<'a> {
    /// The weights of a network.
    pub fn of(self, network: &str) -> Option<&'a BackboneWeights> {
        match self {
            Self::OfOne(weights) => Some(weights),
            Self::ByName(weights) => weights.get(network),
        }
    }

    /// Whether one set of weights stands for whatever network there is.
    pub(crate) fn is_of_one(self) -> bool {
        matches!(self, Self::OfOne(_))
    }
}

impl<'a> From<&'a BackboneWeights> for GivenWeights<'a> {
    fn from(weights: &'a BackboneWeights) -> Self {
        Self::OfOne(weights)
    }
}

impl<'a> From<&'a NetworkWeights> for GivenWeights<'a> {
    fn from(weights: &'a NetworkWeights) -> Self {
        Self::ByName(weights)
    }
}
