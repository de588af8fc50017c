//! A fitted model as bytes: a safetensors file with a JSON header, checksummed.
//!
//! Tensors: `memory_bank` `[m, dim]` f32 or f16, `origins` `[m, 3]` u32 (training image, grid row, grid column), with
//! embedded weights one `weights.<name>` per tensor, and `sha256` `[32]` u8, the digest of the header and of the name,
//! dtype, shape and bytes of every other tensor in name order. The header is the [`ModelHeader`] as JSON, under
//! `patchcore` in the safetensors metadata. The same model gives the same bytes. Whoever writes the bytes to disk does it
//! beside the old file and renames (the crate `patchcore`).
//!
//! Version 2 adds `thresholds` to the header; a file of version 1 is read as one without.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use patchcore_metrics::threshold::Thresholds;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::ComputeDevice;
use crate::error::ModelFileError;
use crate::extractor::{Extractor, ExtractorError};
use crate::memory_bank::{MemoryBank, PatchOrigin};
use crate::passport::ScorePassport;
use crate::patchcore::{FittedOn, PatchCore};
use patchcore_config::{BackboneWeights, BankDtype, NamedTensor, PatchCoreConfig};

/// Version of the layout described above.
///
/// Version 2 adds the passport, f16 banks and whatever later settings say. A file of version 1 is read as it was
/// written.
pub const FORMAT_VERSION: u32 = 2;

const HEADER_KEY: &str = "patchcore";
const CHECKSUM: &str = "sha256";
const BANK: &str = "memory_bank";
const ORIGINS: &str = "origins";
const WEIGHTS_PREFIX: &str = "weights.";

/// What a model file says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelHeader {
    /// Layout version.
    pub format_version: u32,
    /// Version of the crate that wrote the file.
    pub written_by: String,
    /// The settings of the fit.
    pub config: PatchCoreConfig,
    /// Digest of the backbone's weights.
    pub weights_sha256: String,
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
    bank: MemoryBank,
    weights: Option<BackboneWeights>,
}

impl ModelFile {
    /// The content of a file for a fitted model. `weights`: store these with it.
    pub fn new(model: &PatchCore, images: Vec<String>, weights: Option<&BackboneWeights>) -> Self {
        let plan = model.config().backbone.plan(&model.config().layers).ok();
        let weights = weights.map(|weights| match &plan {
            Some(plan) => weights.restricted_to(plan),
            None => weights.clone(),
        });
        let header = ModelHeader {
            format_version: FORMAT_VERSION,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            config: model.config().clone(),
            weights_sha256: model.weights_sha256().to_owned(),
            has_weights: weights.is_some(),
            dtype: model.bank().dtype().name().to_owned(),
            fitted_on: model.fitted_on(),
            images,
            device: model.device().name(),
            passport: model.passport().cloned(),
            thresholds: None,
        };
        Self { header, bank: model.bank().clone(), weights }
    }

    /// The memory bank.
    pub fn bank(&self) -> &MemoryBank {
        &self.bank
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
        let header = serde_json::to_string(&self.header).map_err(malformed)?;
        let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
        let m = self.bank.len();
        let bank = match self.bank.dtype() {
            BankDtype::F32 => (Dtype::F32, f32_bytes(self.bank.rows())),
            BankDtype::F16 => (Dtype::F16, f16_bytes(self.bank.rows())),
        };
        tensors.insert(BANK.into(), (bank.0, vec![m, self.bank.dim()], bank.1));
        if let Some(origins) = self.bank.origins() {
            let origins = origins.iter().flat_map(|at| [at.image, u32::from(at.row), u32::from(at.column)]);
            tensors.insert(ORIGINS.into(), (Dtype::U32, vec![m, 3], origins.flat_map(u32::to_le_bytes).collect()));
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
        let metadata = HashMap::from([(HEADER_KEY.to_owned(), header)]);
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
        let header: ModelHeader = serde_json::from_str(header_json).map_err(malformed)?;
        header.config.check()?;
        check_thresholds(&header)?;
        let bank = read_bank(&file, &header)?;
        let weights = header.has_weights.then(|| read_weights(&views)).transpose()?;
        Ok(Self { header, bank, weights })
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
        let ModelHeader { config, weights_sha256, fitted_on, passport, .. } = self.header;
        let backbone = config.backbone.name();
        let Some(weights) = weights.or(self.weights.as_ref()) else {
            return Err(ModelFileError::WeightsNeeded { backbone, expected: weights_sha256 });
        };
        let extractor = Extractor::new(config, weights, device).map_err(|error| match error {
            ExtractorError::Config(error) => ModelFileError::Config(error),
            ExtractorError::Backbone(error) => ModelFileError::Backbone(error),
            ExtractorError::Device(_) | ExtractorError::Cpu(_) => ModelFileError::Device(error.into_device_error()),
        })?;
        if extractor.weights_sha256() != weights_sha256 {
            let found = extractor.weights_sha256().to_owned();
            return Err(ModelFileError::OtherWeights { backbone, expected: weights_sha256, found });
        }
        let model = PatchCore::new(extractor, self.bank, fitted_on)?;
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

fn read_bank(file: &SafeTensors<'_>, header: &ModelHeader) -> Result<MemoryBank, ModelFileError> {
    let bank = file.tensor(BANK).map_err(malformed)?;
    let dim = header.config.embedding_dim();
    let m = match bank.shape() {
        [m, width] if *width == dim && *m > 0 => *m,
        shape => return Err(malformed(format!("the memory bank has shape {shape:?}, expected [rows > 0, {dim}]"))),
    };
    if header.config.num_neighbors > m {
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
    let bank = match file.tensor(ORIGINS) {
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
