//! The weights of a model's networks, each under the name of its network.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::weights::BackboneWeights;

/// Weights of one network or several, by the network's name.
///
/// ```
/// use patchcore_config::{BackboneWeights, NetworkWeights};
///
/// let (small, large) = (BackboneWeights::default(), BackboneWeights::default());
/// let weights = NetworkWeights::new().with("resnet18", small).with("resnet50", large);
/// assert_eq!(weights.names().collect::<Vec<_>>(), ["resnet18", "resnet50"]);
/// assert!(weights.get("resnet34").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkWeights {
    networks: BTreeMap<String, BackboneWeights>,
}

impl NetworkWeights {
    /// No weights yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with the weights of another network, in place of those that it had.
    #[must_use]
    pub fn with(mut self, network: impl Into<String>, weights: BackboneWeights) -> Self {
        self.networks.insert(network.into(), weights);
        self
    }

    /// The weights of a network.
    pub fn get(&self, network: &str) -> Option<&BackboneWeights> {
        self.networks.get(network)
    }

    /// The weights of a network, to change.
    pub fn get_mut(&mut self, network: &str) -> Option<&mut BackboneWeights> {
        self.networks.get_mut(network)
    }

    /// The networks, in the order of their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.networks.keys().map(String::as_str)
    }

    /// Names and weights, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BackboneWeights)> {
        self.networks.iter().map(|(name, weights)| (name.as_str(), weights))
    }

    /// One digest for all weights: [`BackboneWeights::sha256`] of a single network, else [`networks_sha256`].
    pub fn sha256(&self) -> String {
        let digests: Vec<(&str, String)> = self.iter().map(|(name, weights)| (name, weights.sha256())).collect();
        networks_sha256(digests.iter().map(|(name, sha256)| (*name, sha256.as_str())))
    }

    /// How many networks have weights here.
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

/// One digest for networks that are given by name and digest: a single network's own, else SHA-256 over a line `NAME DIGEST` of each, once,
/// in the order of the names, as 64 lower-case hex digits.
pub fn networks_sha256<'a>(networks: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let networks: BTreeSet<(&str, &str)> = networks.into_iter().collect();
    match networks.first() {
        Some((_, sha256)) if networks.len() == 1 => (*sha256).to_owned(),
        _ => {
            let lines: String = networks.into_iter().map(|(name, sha256)| format!("{name} {sha256}\n")).collect();
            Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_network_keeps_its_digest_and_several_have_one_of_all() {
        let one = NetworkWeights::new().with("resnet18", BackboneWeights::default());
        let own = BackboneWeights::default().sha256();
        assert_eq!(one.sha256(), own);
        let both = one.with("resnet34", BackboneWeights::default());
        let expected = networks_sha256([("resnet34", own.as_str()), ("resnet18", &own), ("resnet18", &own)]);
        assert_eq!(both.sha256(), expected);
        // printf 'a 1\nb 2\n' | sha256sum
        let known = "2951835de33689a441bfa61bc7af99b1f0305ca8ec0ab4dd508f14f57b27ca23";
        assert_eq!(networks_sha256([("b", "2"), ("a", "1")]), known);
    }
}
