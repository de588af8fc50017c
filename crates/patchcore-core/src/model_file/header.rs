//! The header of a model file: everything that decides its scores, by name.

use std::collections::BTreeMap;

use patchcore_config::backbone::networks_sha256;
use patchcore_config::{Architecture, BackboneWeights, Checked, EarlierConfig, PatchCoreConfig};
use patchcore_metrics::threshold::Thresholds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::requires::{requirements, unknown};
use super::section::{FitSection, Sections};
use super::training_photo::TrainingPhoto;
use crate::backbone::{Backbone, PlanBackbone};
use crate::error::{ModelFileError, malformed};
use crate::fitted_on::FittedOn;
use crate::network_group::layers_of;
use crate::passport::ScorePassport;

/// Version of the layout of `docs/reference/model-file.md`.
///
/// 2: the passport, f16 banks and whatever later settings say. 3: every rule is stored, members, `requires` and sections. Earlier
/// files are read as they were written, and score the same.
pub const FORMAT_VERSION: u32 = 3;

/// The first version whose configuration is its rules, and which has sections.
pub(super) const SECTIONS: u32 = 3;

/// What decides a model's scores, beside its banks and weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelHeader {
    /// Layout version.
    pub format_version: u32,
    /// What a reader must know: [`REQUIREMENTS`](super::REQUIREMENTS).
    pub requires: Vec<String>,
    /// Version of the crate that fitted the model.
    pub written_by: String,
    /// The settings of the fit, every rule resolved.
    pub config: Checked,
    /// The networks, in the order of their first members.
    pub networks: Vec<NetworkDigest>,
    /// Whether the weights are in the file.
    pub has_weights: bool,
    /// Photos and patches of the fit.
    pub fitted_on: FittedOn,
}

/// A network of a model, and the digest of what decides its features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkDigest {
    /// Its name.
    pub name: String,
    /// Its digest ([`Backbone::sha256`](crate::backbone::Backbone::sha256)).
    pub sha256: String,
}

impl ModelHeader {
    pub(super) fn new(config: Checked, networks: Vec<NetworkDigest>, has_weights: bool, fitted_on: FittedOn) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            requires: requirements(&config, has_weights),
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            config,
            networks,
            has_weights,
            fitted_on,
        }
    }

    /// Digest of the weights of its network, of several networks one over all of theirs.
    pub fn weights_sha256(&self) -> String {
        networks_sha256(self.networks.iter().map(|network| (network.name.as_str(), network.sha256.as_str())))
    }

    /// That the weights of one of its networks are needed.
    pub(super) fn needed_weights(&self, network: &str) -> ModelFileError {
        let digest = self.networks.iter().find(|digest| digest.name == network);
        let expected = digest.map_or_else(|| "unknown".to_owned(), |digest| digest.sha256.clone());
        ModelFileError::WeightsNeeded { backbone: network.to_owned(), expected }
    }

    /// Whether these are the weights of one of its networks, in however many number formats that computes.
    pub fn is_of(&self, network: &str, weights: &BackboneWeights) -> bool {
        let mut digests = self.networks.iter().filter(|digest| digest.name == network).peekable();
        let (Ok(architecture), true) = (Architecture::from_name(network), digests.peek().is_some()) else {
            return false;
        };
        let found = PlanBackbone::new(architecture, &layers_of(&self.config, architecture), weights);
        found.is_ok_and(|found| digests.all(|digest| digest.sha256 == found.sha256()))
    }

    /// The header's text in today's form, with the JSON of the file's sections.
    pub(super) fn to_json(&self, sections: BTreeMap<&str, &Value>) -> Result<String, ModelFileError> {
        let Self { written_by, config, networks, has_weights, fitted_on, .. } = self;
        let stored = Stored {
            format_version: FORMAT_VERSION,
            requires: requirements(config, *has_weights),
            written_by: written_by.clone(),
            config: config.clone().into_config(),
            networks: networks.clone(),
            has_weights: *has_weights,
            fitted_on: *fitted_on,
            sections: sections.into_iter().map(|(name, json)| (name.to_owned(), json.clone())).collect(),
        };
        serde_json::to_string(&stored).map_err(malformed)
    }

    /// The header of a file with sections, and their JSON.
    pub(super) fn read(json: &str) -> Result<(Self, BTreeMap<String, Value>), ModelFileError> {
        let Requires { requires, written_by } = serde_json::from_str(json).map_err(malformed)?;
        let unknown = unknown(&requires);
        if !unknown.is_empty() {
            return Err(ModelFileError::Requires { names: unknown, written_by });
        }
        // The checksum holds, so what this version does not understand is not damage.
        let stored: Stored = serde_json::from_str(json)
            .map_err(|error| ModelFileError::NotUnderstood { reason: error.to_string(), written_by })?;
        let Stored { format_version, requires, written_by, config, networks, has_weights, fitted_on, sections } =
            stored;
        let config = config.check()?;
        config.verify_measured()?;
        Ok((Self { format_version, requires, written_by, config, networks, has_weights, fitted_on }, sections))
    }

    /// The header of a file of version 1 or 2, and what it said that sections say now.
    pub(super) fn read_earlier(json: &str) -> Result<(Self, Sections), ModelFileError> {
        let Earlier { format_version, written_by, config, weights_sha256, has_weights, fitted_on, .. } =
            serde_json::from_str(json).map_err(malformed)?;
        let Earlier { images, device, thresholds, passport, .. } = serde_json::from_str(json).map_err(malformed)?;
        let config = PatchCoreConfig::from(config).check()?;
        let network = NetworkDigest { name: config.first().backbone.name().to_owned(), sha256: weights_sha256 };
        let photo = |name: String| TrainingPhoto { name, ..TrainingPhoto::default() };
        let sections = Sections {
            thresholds,
            passport,
            fit: Some(FitSection { device }),
            photos: images.into_iter().map(photo).collect(),
            ..Sections::default()
        };
        let requires = requirements(&config, has_weights);
        let networks = vec![network];
        Ok((Self { format_version, requires, written_by, config, networks, has_weights, fitted_on }, sections))
    }
}

/// A header with sections, as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format_version: u32,
    requires: Vec<String>,
    written_by: String,
    config: PatchCoreConfig,
    networks: Vec<NetworkDigest>,
    has_weights: bool,
    fitted_on: FittedOn,
    sections: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Requires {
    requires: Vec<String>,
    written_by: String,
}

/// A header of version 1 or 2.
#[derive(Deserialize)]
struct Earlier {
    format_version: u32,
    written_by: String,
    config: EarlierConfig,
    weights_sha256: String,
    has_weights: bool,
    fitted_on: FittedOn,
    images: Vec<String>,
    device: String,
    thresholds: Option<Thresholds>,
    passport: Option<ScorePassport>,
}
