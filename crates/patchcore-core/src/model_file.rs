//! A fitted model as bytes: a safetensors file with a JSON header, checksummed.
//!
//! Tensors: `memory_bank` `[m, dim]` f32 or f16, `origins` `[m, 3]` u32 (training image, grid row, grid column), of the second and
//! further members `memory_bank.1`, `origins.1`, .., with
//! embedded weights one `weights.<name>` per tensor, and `sha256` `[32]` u8, the digest of the header and of the name,
//! dtype, shape and bytes of every other tensor in name order. The header is the [`ModelHeader`] as JSON, under
//! `patchcore` in the safetensors metadata. The same model gives the same bytes. Whoever writes the bytes to disk does it
//! beside the old file and renames (the crate `patchcore`).
//!
//! Version 2 adds `thresholds` to the header; a file of version 1 is read as one without. Version 3 stores every rule of the
//! configuration, member by member; files of versions 1 and 2 name a mode and are read with that mode's rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use half::f16;
use patchcore_metrics::threshold::Thresholds;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::backbone::Backbone;
use crate::device::ComputeDevice;
use crate::error::ModelFileError;
use crate::extractor::Extractor;
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::passport::ScorePassport;
use crate::patchcore::{FittedOn, PatchCore};
use patchcore_config::{BackboneWeights, BankDtype, Checked, ConfigError, EarlierConfig, NamedTensor, PatchCoreConfig};

/// Version of the layout described above.
///
/// 2: the passport, f16 banks and whatever later settings say. 3: every rule is stored, members. Earlier files are read as
/// they were written, and score the same.
pub const FORMAT_VERSION: u32 = 3;
/// The first version whose configuration is its rules.
const RULES_STORED: u32 = 3;

const HEADER_KEY: &str = "patchcore";
const CHECKSUM: &str = "sha256";
const BANK: &str = "memory_bank";
const ORIGINS: &str = "origins";
const WEIGHTS_PREFIX: &str = "weights.";

/// What a model file says about itself. `C` is its configuration: checked, in whatever a program holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelHeader<C = Checked> {
    /// Layout version.
    pub format_version: u32,
    /// Version of the crate that wrote the file.
    pub written_by: String,
    /// The settings of the fit.
    pub config: C,
    /// Digest of the first member's network.
    pub weights_sha256: String,
    /// The further networks of members that do not share the first one's, in the order of their first members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_networks: Vec<NetworkDigest>,
    /// Whether the weights are in the file.
    pub has_weights: bool,
    /// Type of the bank's values.
    pub dtype: String,
    /// Photos and patches of the fit.
    pub fitted_on: FittedOn,
    /// Names of the training photos, in the order of [`PatchOrigin::image`]; may be empty.
    pub images: Vec<String>,
    /// Device of the fit.
    pub device: String,
    /// Thresholds, once the model has been calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// What that device computed for a few pictures; absent in files of version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passport: Option<ScorePassport>,
}

impl<C: Into<PatchCoreConfig>> ModelHeader<C> {
    fn check(self) -> Result<ModelHeader, ConfigError> {
        let ModelHeader { format_version, written_by, weights_sha256, other_networks, has_weights, dtype, .. } = self;
        let ModelHeader { config, fitted_on, images, device, thresholds, passport, .. } = self;
        let config = config.into().check()?;
        Ok(ModelHeader {
            format_version,
            written_by,
            config,
            weights_sha256,
            other_networks,
            has_weights,
            dtype,
            fitted_on,
            images,
            device,
            thresholds,
            passport,
        })
    }
}

/// A network of a model, and the digest of what decides its features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkDigest {
    /// Its name.
    pub name: String,
    /// Its digest ([`Backbone::sha256`]).
    pub sha256: String,
}

/// The header of a file of any version, its configuration checked.
fn read_header(json: &str, format_version: u32) -> Result<ModelHeader, ModelFileError> {
    let header = if format_version < RULES_STORED {
        serde_json::from_str::<ModelHeader<EarlierConfig>>(json).map_err(malformed)?.check()
    } else {
        serde_json::from_str::<ModelHeader<PatchCoreConfig>>(json).map_err(malformed)?.check()
    };
    Ok(header?)
}

/// What to do with a device whose results differ from the model's passport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DriftPolicy {
    /// Refuse it with [`ModelFileError::Drift`].
    #[default]
    Refuse,
    /// Go on; [`PatchCore::drift`] says how far they lie apart.
    Allow,
}

/// Only what must be readable whatever the version.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: u32,
    #[serde(default)]
    written_by: String,
}

/// A model file whose checksum holds, not yet on a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The header.
    pub header: ModelHeader,
    banks: Vec<MemoryBank>,
    weights: Option<BackboneWeights>,
}

impl ModelFile {
    /// The content of a file for a fitted model. `weights`: store these with it, for members that share one network of the catalogue.
    ///
    /// # Panics
    /// For weights with a model of another kind, whose networks the caller gives again at every load.
    pub fn new(model: &PatchCore, images: Vec<String>, weights: Option<&BackboneWeights>) -> Self {
        let mut networks = model.extractor().networks();
        let weights = weights.map(|weights| {
            let plan = model.extractor().only_plan();
            assert!(plan.is_some(), "weights to store are those of the one network of all members");
            plan.map_or_else(BackboneWeights::default, |plan| weights.restricted_to(plan))
        });
        let digest = |(name, sha256): (&str, &str)| NetworkDigest { name: name.to_owned(), sha256: sha256.to_owned() };
        let first = networks.next().map(digest);
        let banks = model.members().iter().map(|member| member.bank().clone()).collect();
        let header = ModelHeader {
            format_version: FORMAT_VERSION,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            config: model.config().clone(),
            weights_sha256: first.map(|network| network.sha256).unwrap_or_default(),
            other_networks: networks.map(digest).collect(),
            has_weights: weights.is_some(),
            dtype: model.bank().dtype().name().to_owned(),
            fitted_on: model.fitted_on(),
            images,
            device: model.device().name(),
            passport: model.passport().cloned(),
            thresholds: None,
        };
        Self { header, banks, weights }
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

    /// The embedded weights.
    pub fn weights(&self) -> Option<&BackboneWeights> {
        self.weights.as_ref()
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`ModelFileError::Malformed`] if the header cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        // Written in today's form, whatever version was read.
        let header = ModelHeader { format_version: FORMAT_VERSION, ..self.header.clone() };
        let header = serde_json::to_string(&header).map_err(malformed)?;
        let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for (member, bank) in self.banks.iter().enumerate() {
            let m = bank.len();
            let values = match bank.dtype() {
                BankDtype::F32 => (Dtype::F32, f32_bytes(bank.rows())),
                BankDtype::F16 => (Dtype::F16, f16_bytes(bank.rows())),
            };
            tensors.insert(of_member(BANK, member), (values.0, vec![m, bank.dim()], values.1));
            if let Some(origins) = bank.origins() {
                let origins = origins.iter().flat_map(|at| [at.image, u32::from(at.row), u32::from(at.column)]);
                let origins = (Dtype::U32, vec![m, 3], origins.flat_map(u32::to_le_bytes).collect());
                tensors.insert(of_member(ORIGINS, member), origins);
            }
        }
        for (name, tensor) in self.weights.iter().flat_map(|weights| &weights.tensors) {
            let value = (Dtype::F32, tensor.shape.clone(), f32_bytes(&tensor.data));
            tensors.insert(format!("{WEIGHTS_PREFIX}{name}"), value);
        }
        let views: Result<Vec<(String, TensorView<'_>)>, _> = tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| Ok((name.clone(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect();
        let views = views.map_err(|error: SafeTensorError| malformed(error))?;
        let digest = checksum(&header, &views);
        let mut views = views;
        views.push((CHECKSUM.into(), TensorView::new(Dtype::U8, vec![digest.len()], &digest).map_err(malformed)?));
        // One entry: a map of two would be written in random order.
        let metadata = std::iter::once((HEADER_KEY.to_owned(), header)).collect();
        safetensors::serialize(views, Some(metadata)).map_err(malformed)
    }

    /// Reads and verifies a file's bytes.
    ///
    /// # Errors
    /// [`ModelFileError::Malformed`], [`ModelFileError::NewerVersion`], [`ModelFileError::Checksum`] and
    /// [`ModelFileError::Config`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
        let Some(header_json) = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER_KEY)) else {
            return Err(malformed("a safetensors file without PatchCore's header"));
        };
        // The version comes first: a newer layout may differ in everything else.
        let version: VersionOnly = serde_json::from_str(header_json).map_err(malformed)?;
        if version.format_version > FORMAT_VERSION {
            return Err(ModelFileError::NewerVersion {
                found: version.format_version,
                supported: FORMAT_VERSION,
                written_by: version.written_by,
            });
        }
        let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
        let mut views = file.tensors();
        views.retain(|(name, _)| name != CHECKSUM);
        views.sort_by(|a, b| a.0.cmp(&b.0));
        let (expected, found) = (file.tensor(CHECKSUM).map_err(malformed)?, checksum(header_json, &views));
        if expected.data() != found {
            return Err(ModelFileError::Checksum { expected: hex(expected.data()), found: hex(&found) });
        }
        let header = read_header(header_json, version.format_version)?;
        check_thresholds(&header)?;
        let banks = (0..header.config.members.len()).map(|member| read_bank(&file, &header, member));
        let banks = banks.collect::<Result<_, _>>()?;
        let weights = header.has_weights.then(|| read_weights(&views)).transpose()?;
        Ok(Self { header, banks, weights })
    }

    /// The model on a device. `weights`: the backbone's weights, needed unless the file holds them. `drift`: what to do
    /// where the device's results differ from the passport.
    ///
    /// # Errors
    /// [`ModelFileError::WeightsNeeded`], [`ModelFileError::OtherWeights`], [`ModelFileError::Backbone`],
    /// [`ModelFileError::Drift`] and [`ModelFileError::Device`].
    pub fn into_model(
        self,
        weights: Option<&BackboneWeights>,
        device: &ComputeDevice,
        drift: DriftPolicy,
    ) -> Result<PatchCore, ModelFileError> {
        let backbone = self.header.config.first().backbone.name().to_owned();
        let Some(weights) = weights.or(self.weights.as_ref()) else {
            return Err(ModelFileError::WeightsNeeded { backbone, expected: self.header.weights_sha256 });
        };
        let extractor = Extractor::new(self.header.config.clone(), weights, device)?;
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
        let extractor = Extractor::with_backbones(self.header.config.clone(), backbones, device)?;
        self.with_extractor(extractor, drift)
    }

    fn with_extractor(self, extractor: Extractor, drift: DriftPolicy) -> Result<PatchCore, ModelFileError> {
        let ModelHeader { weights_sha256, other_networks, fitted_on, passport, .. } = self.header;
        let others = other_networks.iter().map(|network| network.sha256.as_str());
        let mut expected = std::iter::once(weights_sha256.as_str()).chain(others);
        for (name, found) in extractor.networks() {
            let expected = expected.next().unwrap_or("no such network");
            if expected != found {
                let (backbone, expected, found) = (name.to_owned(), expected.to_owned(), found.to_owned());
                return Err(ModelFileError::OtherWeights { backbone, expected, found });
            }
        }
        if let Some(missing) = expected.next() {
            return Err(malformed(format!("the model has one more network (sha256 {missing}) than was given")));
        }
        let model = PatchCore::new(extractor, self.banks, fitted_on)?;
        let Some(passport) = passport else { return Ok(model) };
        let drift = match drift {
            DriftPolicy::Refuse => passport.check(&model)?,
            DriftPolicy::Allow => passport.drift(&model).map_err(malformed)?,
        };
        Ok(model.with_passport(passport, Some(drift)))
    }
}

/// A threshold that is not a number would call everything good.
fn check_thresholds(header: &ModelHeader) -> Result<(), ModelFileError> {
    let Some(Thresholds { image, pixel }) = header.thresholds else { return Ok(()) };
    match image.iter().chain(&pixel).find(|threshold| !threshold.value.is_finite()) {
        None => Ok(()),
        Some(threshold) => Err(malformed(format!("the threshold {} is not finite", threshold.value))),
    }
}

fn malformed(error: impl std::fmt::Display) -> ModelFileError {
    ModelFileError::Malformed { reason: error.to_string() }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f16_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

fn bank_values(view: &TensorView<'_>) -> Result<(BankDtype, Vec<f32>), ModelFileError> {
    if view.dtype() != Dtype::F16 {
        return Ok((BankDtype::F32, f32_values(BANK, view)?));
    }
    let (values, _) = view.data().as_chunks::<2>();
    Ok((BankDtype::F16, values.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()))
}

fn f32_values(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, ModelFileError> {
    if view.dtype() != Dtype::F32 {
        return Err(malformed(format!("tensor `{name}` has dtype {:?}, expected F32", view.dtype())));
    }
    let (values, _) = view.data().as_chunks::<4>();
    Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The name of a member's tensor: the first member's has no number.
fn of_member(tensor: &str, member: usize) -> String {
    if member == 0 { tensor.to_owned() } else { format!("{tensor}.{member}") }
}

fn read_bank(file: &SafeTensors<'_>, header: &ModelHeader, member: usize) -> Result<MemoryBank, ModelFileError> {
    let bank = file.tensor(&of_member(BANK, member)).map_err(malformed)?;
    let config = header.config.members.get(member).ok_or_else(|| malformed("a bank without a member"))?;
    let dim = config.embedding_dim();
    let m = match bank.shape() {
        [m, width] if *width == dim && *m > 0 => *m,
        shape => return Err(malformed(format!("the memory bank has shape {shape:?}, expected [rows > 0, {dim}]"))),
    };
    if header.config.bank_rows_needed() > m {
        return Err(malformed(format!("num_neighbors {} exceeds the bank's {m} rows", header.config.num_neighbors)));
    }
    let (dtype, rows) = bank_values(&bank)?;
    if dtype != header.config.bank_dtype {
        let (found, expected) = (dtype.name(), header.config.bank_dtype.name());
        return Err(malformed(format!("the memory bank is {found}, the settings say {expected}")));
    }
    if rows.iter().any(|value| !value.is_finite()) {
        return Err(malformed("the memory bank holds a value that is not finite"));
    }
    let bank = match file.tensor(&of_member(ORIGINS, member)) {
        Ok(origins) => MemoryBank::new(dim, rows, read_origins(&origins, header, m)?),
        // A bank from elsewhere.
        Err(SafeTensorError::TensorNotFound(_)) => MemoryBank::from_rows(dim, rows),
        Err(error) => return Err(malformed(error)),
    };
    bank.and_then(|bank| bank.with_dtype(dtype)).map_err(malformed)
}

fn read_origins(view: &TensorView<'_>, header: &ModelHeader, m: usize) -> Result<Vec<PatchOrigin>, ModelFileError> {
    if view.dtype() != Dtype::U32 || view.shape() != [m, 3] {
        return Err(malformed(format!("the row origins have shape {:?}, expected [{m}, 3] u32", view.shape())));
    }
    let (words, _) = view.data().as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let (triples, _) = words.as_chunks::<3>();
    let origin = |[image, row, column]: &[u32; 3]| {
        let narrow = |value: u32| u16::try_from(value).map_err(|_| malformed("a row origin is out of range"));
        let images = header.fitted_on.images;
        if *image as usize >= images {
            return Err(malformed(format!("a row of the bank is of photo {image}, expected one of {images}, from 0")));
        }
        Ok(PatchOrigin { image: *image, row: narrow(*row)?, column: narrow(*column)? })
    };
    triples.iter().map(origin).collect()
}

fn read_weights(views: &[(String, TensorView<'_>)]) -> Result<BackboneWeights, ModelFileError> {
    let mut tensors = BTreeMap::new();
    for (name, view) in views {
        if let Some(short) = name.strip_prefix(WEIGHTS_PREFIX) {
            let tensor = NamedTensor { shape: view.shape().to_vec(), data: f32_values(name, view)? };
            tensors.insert(short.to_owned(), tensor);
        }
    }
    Ok(BackboneWeights { tensors })
}

/// SHA-256 over the header and every tensor.
fn checksum(header: &str, tensors: &[(String, TensorView<'_>)]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    field(header.as_bytes());
    for (name, view) in tensors {
        field(name.as_bytes());
        field(format!("{:?} {:?}", view.dtype(), view.shape()).as_bytes());
        field(view.data());
    }
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
