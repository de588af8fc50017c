//! A fitted model as bytes: a safetensors file with a JSON header, checksummed. `docs/reference/model-file.md` has it field by field.
//!
//! Everything that decides a score stands in the header ([`ModelHeader`]), in the tensors of the banks and in those of embedded
//! weights, and is named under `requires` ([`REQUIREMENTS`]): a reader that does not know a name refuses the file. Everything else
//! is an optional section ([`Sections`]): JSON under `sections`, and tensors `section.NAME.TENSOR`. A reader keeps sections that it
//! does not know. So a later version adds names and sections, and the format version stays.
//!
//! Tensors: `memory_bank` `[m, dim]` f32 or f16, `origins` `[m, 3]` u32 (training image, grid row, grid column), of the second and
//! further members `memory_bank.1`, `origins.1`, .., of every network of int8 `activation_ranges` `[channels, 2]` f32, with embedded weights one
//! `weights.NAME` per tensor, of a model with several networks `weights.NETWORK.NAME`; `computed_sha256` `[32]`
//! u8, the digest of what the fit computed, without sections and embedded weights; `sha256` `[32]` u8, the digest of everything
//! else. The same content gives the same bytes. Whoever writes them to disk does it beside the old file and renames (the crate
//! `patchcore`).
//!
//! Files of versions 1 and 2 name a mode and are read with that mode's rules; written again they are of version 3.

mod banks;
mod container;
mod header;
mod history;
mod ranges;
mod raw_section;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod reduced_tests;
mod requires;
mod section;
mod tensor;
#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests;
mod thumbnails;
mod training_photo;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use patchcore_config::NetworkWeights;
use patchcore_config::backbone::ActivationRanges;

use self::banks::{SECTION_PREFIX, bank_tensors, decode_bank, encode_banks, encode_weights, take_weights};
use self::container::{Container, computed_digest, hex};
use self::header::SECTIONS;
use self::ranges::{decode_ranges, encode_ranges, range_tensors};
use self::raw_section::{RawSections, Section};
use self::tensor::Tensors;
use self::version::Version;
use crate::backbone::Backbone;
use crate::device::{ComputeDevice, Precision};
use crate::error::{BackboneError, ModelFileError, malformed};
use crate::extractor::Extractor;
use crate::given_weights::GivenWeights;
use crate::memory_bank::MemoryBank;
use crate::network_group::{check_precisions, int8_plans, network_names, plan_of};
use crate::patchcore::PatchCore;

pub use self::header::{FORMAT_VERSION, ModelHeader, NetworkDigest};
pub use self::history::{Change, ChangeKind, ChangedPhoto, StaleThresholds};
pub use self::requires::REQUIREMENTS;
pub use self::section::{ColourSeen, FitSection, InputsSeen, Provenance, Sections, SizeSeen};
pub use self::thumbnails::Thumbnail;
pub use self::training_photo::{StoredPath, TrainingPhoto};

/// What to do with a device whose results differ from the model's passport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DriftPolicy {
    /// Refuse it with [`ModelFileError::Drift`].
    #[default]
    Refuse,
    /// Go on; [`PatchCore::drift`] says how far they lie apart.
    Allow,
}

/// A model file whose checksum holds, not yet on a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// What decides the scores.
    pub header: ModelHeader,
    /// What else it says.
    pub sections: Sections,
    banks: Vec<MemoryBank>,
    /// Of the networks of int8, in the order of their first members.
    ranges: Vec<ActivationRanges>,
    weights: Option<NetworkWeights>,
}

impl ModelFile {
    /// The content of a file for a fitted model, without weights. Of the sections it has what the model itself knows: passport,
    /// device, quantiles and coverage.
    pub fn new(model: &PatchCore) -> Self {
        let digest = |(name, sha256): (&str, &str)| NetworkDigest { name: name.to_owned(), sha256: sha256.to_owned() };
        let networks = model.extractor().networks().map(digest).collect();
        let sections = Sections {
            passport: model.passport().cloned(),
            fit: Some(FitSection { device: model.fit_device() }),
            good_quantiles: model.good_quantiles().cloned(),
            coverage: model.coverage().to_vec(),
            ..Sections::default()
        };
        Self {
            header: ModelHeader::new(model.config().clone(), networks, false, model.fitted_on()),
            sections,
            banks: model.members().iter().map(|member| member.bank().clone()).collect(),
            ranges: model.extractor().ranges().to_vec(),
            weights: None,
        }
    }

    /// The same with the weights of its networks, for a model whose members name networks of the catalogue: the file alone then
    /// suffices.
    ///
    /// # Errors
    /// [`ModelFileError::WeightsOfOwn`] for an application's own network, which the caller gives again at every load, and
    /// [`ModelFileError::WeightsNeeded`] for a network without weights.
    pub fn with_weights<'a>(mut self, weights: impl Into<GivenWeights<'a>>) -> Result<Self, ModelFileError> {
        let (given, mut weights) = (weights.into(), NetworkWeights::new());
        let names = network_names(&self.header.config);
        if given.is_of_one() && names.len() > 1 {
            let found = names.into_iter().map(str::to_owned).collect();
            return Err(BackboneError::SeveralNetworks { found }.into());
        }
        for member in &self.header.config.members {
            let name = member.backbone.name();
            if weights.get(name).is_some() {
                continue;
            }
            let Some(plan) = member.backbone.architecture().and_then(|_| plan_of(&self.header.config, member).ok())
            else {
                return Err(ModelFileError::WeightsOfOwn { backbone: name.to_owned() });
            };
            let own = given.of(name).ok_or_else(|| self.header.needed_weights(name))?;
            weights = weights.with(name, own.restricted_to(&plan));
        }
        self.weights = Some(weights);
        let ModelHeader { config, networks, fitted_on, written_by, .. } = self.header;
        self.header = ModelHeader { written_by, ..ModelHeader::new(config, networks, true, fitted_on) };
        Ok(self)
    }

    /// The memory bank of the first member.
    #[expect(clippy::indexing_slicing, reason = "a checked configuration has a member, and every member a bank")]
    pub fn bank(&self) -> &MemoryBank {
        &self.banks[0]
    }

    /// The memory banks of all members, in their order.
    pub fn banks(&self) -> &[MemoryBank] {
        &self.banks
    }

    /// The activation ranges of every network of int8, in the order of their first members.
    pub fn ranges(&self) -> &[ActivationRanges] {
        &self.ranges
    }

    /// The embedded weights.
    pub fn weights(&self) -> Option<&NetworkWeights> {
        self.weights.as_ref()
    }

    /// The digest of what the fit computed, 64 hex digits: configuration, networks, activation ranges, banks and where their rows come from. Sections
    /// and embedded weights do not change it, so it names a model wherever it was fitted and whatever was noted in its file.
    ///
    /// # Errors
    /// [`ModelFileError::Malformed`] if the header cannot be written as JSON.
    pub fn computed_sha256(&self) -> Result<String, ModelFileError> {
        let header = self.header.to_json(BTreeMap::new())?;
        Ok(hex(&computed_digest(&header, self.computed_tensors().iter())?))
    }

    /// The tensors that the fit has computed.
    fn computed_tensors(&self) -> Tensors {
        let mut tensors = encode_banks(&self.banks);
        tensors.extend(encode_ranges(&self.ranges));
        tensors
    }

    /// The file's bytes, in today's form whatever version was read.
    ///
    /// # Errors
    /// [`ModelFileError::Malformed`] if the header cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        let sections = self.sections.encode()?;
        let header =
            self.header.to_json(sections.iter().map(|(name, section)| (name.as_str(), &section.json)).collect())?;
        let mut tensors = self.computed_tensors();
        let computed = computed_digest(&header, tensors.iter())?;
        tensors.extend(self.weights.iter().flat_map(encode_weights));
        for (name, section) in sections {
            let named = |(tensor, value)| (format!("{SECTION_PREFIX}{name}.{tensor}"), value);
            tensors.extend(section.tensors.into_iter().map(named));
        }
        Container::write(header, tensors, computed)
    }

    /// Reads and verifies a file's bytes.
    ///
    /// # Errors
    /// [`ModelFileError::Malformed`], [`ModelFileError::NewerVersion`], [`ModelFileError::Requires`],
    /// [`ModelFileError::NotUnderstood`], [`ModelFileError::Checksum`] and [`ModelFileError::Config`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let header = Container::read_header(bytes)?;
        // The version comes first: a newer layout may differ in everything else.
        let Version { format_version: found, written_by } = serde_json::from_str(&header).map_err(malformed)?;
        if found > FORMAT_VERSION {
            return Err(ModelFileError::NewerVersion { found, supported: FORMAT_VERSION, written_by });
        }
        let mut container = Container::read(bytes, header, found)?;
        let (header, sections) = if found < SECTIONS {
            ModelHeader::read_earlier(&container.header)?
        } else {
            let (header, json) = ModelHeader::read(&container.header)?;
            (header, Sections::decode(take_sections(&mut container, json)?)?)
        };
        let members = header.config.members.len();
        let banks = (0..members).map(|member| decode_bank(&container.tensors, &header, member));
        let banks = banks.collect::<Result<_, _>>()?;
        let plans = int8_plans(&header.config)?;
        let ranges = plans
            .iter()
            .enumerate()
            .map(|(network, (plan, normalization))| decode_ranges(&container.tensors, network, plan, normalization));
        let ranges = ranges.collect::<Result<_, _>>()?;
        let weights = take_weights(&mut container.tensors, &network_names(&header.config))?;
        if found >= SECTIONS {
            let computed: Vec<String> = bank_tensors(members).chain(range_tensors(plans.len())).collect();
            // What stands outside the sections may decide a score.
            if let Some(other) = container.tensors.keys().find(|name| !computed.contains(name)) {
                let reason = format!("it has a tensor `{other}`");
                return Err(ModelFileError::NotUnderstood { reason, written_by });
            }
            container.check_computed(container.tensors.iter())?;
        }
        let weights = header.has_weights.then_some(weights);
        Ok(Self { header, sections, banks, ranges, weights })
    }

    /// Whether a device may compute in such a precision: beside a network of bf16 or int8 only in f32. No device is needed to tell.
    ///
    /// # Errors
    /// [`BackboneError::TwoPrecisions`].
    pub fn check_precision(&self, precision: Precision) -> Result<(), ModelFileError> {
        Ok(check_precisions(&self.header.config, precision)?)
    }

    /// A file's bytes with the digests that its content has; `None` for what is no such file. For fuzzing alone: whoever changes a
    /// model file writes it with [`ModelFile::to_bytes`].
    #[doc(hidden)]
    pub fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
        container::resealed(bytes)
    }

    /// The model on a device. `weights`: those of its networks, needed unless the file holds them. `drift`: what to do
    /// where the device's results differ from the passport.
    ///
    /// # Errors
    /// [`ModelFileError::WeightsNeeded`], [`ModelFileError::OtherWeights`], [`ModelFileError::Backbone`],
    /// [`ModelFileError::Drift`] and [`ModelFileError::Device`].
    pub fn into_model(
        self,
        weights: Option<GivenWeights<'_>>,
        device: &ComputeDevice,
        drift: DriftPolicy,
    ) -> Result<PatchCore, ModelFileError> {
        let weights = weights.or_else(|| self.weights.as_ref().map(GivenWeights::from));
        let weights = weights.ok_or_else(|| self.header.needed_weights(self.header.config.first().backbone.name()))?;
        if let Some(lacking) = network_names(&self.header.config).into_iter().find(|name| weights.of(name).is_none()) {
            return Err(self.header.needed_weights(lacking));
        }
        let extractor = Extractor::with_ranges(self.header.config.clone(), weights, &self.ranges, device)?;
        self.with_extractor(extractor, drift)
    }

    /// The model on a device, with networks of the caller's, one for each member: see [`Extractor::with_backbones`].
    ///
    /// # Errors
    /// As [`ModelFile::into_model`].
    pub fn into_model_with(
        self,
        backbones: &[Arc<dyn Backbone>],
        device: &ComputeDevice,
        drift: DriftPolicy,
    ) -> Result<PatchCore, ModelFileError> {
        let config = self.header.config.clone();
        let extractor = Extractor::with_backbones_and_ranges(config, backbones, &self.ranges, device)?;
        self.with_extractor(extractor, drift)
    }

    fn with_extractor(self, extractor: Extractor, drift: DriftPolicy) -> Result<PatchCore, ModelFileError> {
        let Self { header, sections, banks, .. } = self;
        let mut expected = header.networks.iter();
        for (name, found) in extractor.networks() {
            let expected = expected.next().map_or("no such network", |network| &network.sha256);
            if expected != found {
                let (backbone, expected, found) = (name.to_owned(), expected.to_owned(), found.to_owned());
                return Err(ModelFileError::OtherWeights { backbone, expected, found });
            }
        }
        if let Some(NetworkDigest { name, sha256 }) = expected.next() {
            return Err(malformed(format!("the model has one more network, {name} (sha256 {sha256}), than was given")));
        }
        // Of another number of members it is about another model.
        let coverage = if sections.coverage.len() == banks.len() { sections.coverage } else { Vec::new() };
        let model = PatchCore::new(extractor, banks, header.fitted_on)?;
        let model = model.with_good_quantiles(sections.good_quantiles).with_coverage(coverage);
        let model = model.with_fit_device(sections.fit.map(|fit| fit.device));
        let Some(passport) = sections.passport else { return Ok(model) };
        let drift = match drift {
            DriftPolicy::Refuse => passport.check(&model)?,
            DriftPolicy::Allow => passport.drift_on_load(&model)?,
        };
        Ok(model.with_passport(passport, Some(drift)))
    }
}

/// The sections of a file, their tensors taken out of it.
fn take_sections(
    container: &mut Container,
    json: BTreeMap<String, serde_json::Value>,
) -> Result<RawSections, ModelFileError> {
    let section = |(name, json)| (name, Section { json, tensors: BTreeMap::new() });
    let mut sections: RawSections = json.into_iter().map(section).collect();
    for (name, tensor) in container.tensors.extract_if(.., |name, _| name.starts_with(SECTION_PREFIX)) {
        let own = name.strip_prefix(SECTION_PREFIX).unwrap_or(&name).split_once('.');
        let Some((section, own)) = own.and_then(|(section, own)| Some((sections.get_mut(section)?, own))) else {
            return Err(malformed(format!("tensor `{name}` belongs to no section of the header")));
        };
        section.tensors.insert(own.to_owned(), tensor);
    }
    Ok(sections)
}
