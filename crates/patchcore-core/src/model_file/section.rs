//! Optional sections: what a model file says beside what decides its scores. A reader keeps those that it does not know.

use std::collections::BTreeMap;

use patchcore_metrics::threshold::Thresholds;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::history::{Change, StaleThresholds};
use super::raw_section::{RawSections, Section};
use super::thumbnails::{self, Thumbnail};
use super::training_photo::{self, StoredPath, TrainingPhoto};
use crate::coverage::Coverage;
use crate::error::{ModelFileError, malformed};
use crate::good_quantiles::GoodQuantiles;
use crate::passport::ScorePassport;

/// The sections that this version knows, and those of a file that it does not know. None of them changes a score.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Sections {
    /// `thresholds`: of a model that has been calibrated.
    pub thresholds: Option<Thresholds>,
    /// `passport`: what the device of the fit computed for a few pictures.
    pub passport: Option<ScorePassport>,
    /// `fit`: the device of the fit.
    pub fit: Option<FitSection>,
    /// `photos`: the training photos, in the order of [`PatchOrigin::image`](crate::memory_bank::PatchOrigin::image); empty where the
    /// fit was not told.
    pub photos: Vec<TrainingPhoto>,
    /// `inputs`: what kinds of photos the fit has seen.
    pub inputs: Option<InputsSeen>,
    /// `good_quantiles`: how good photos score that the bank does not know.
    pub good_quantiles: Option<GoodQuantiles>,
    /// `coverage`: how far the patches of the fit lie from each member's bank, in the order of the members; empty where that is not known.
    pub coverage: Vec<Coverage>,
    /// `weights_file`: where the weights lay that the fit of a model with one network was given.
    pub weights_file: Option<StoredPath>,
    /// `weights_files`: of a model with several networks, by their names, those of them whose weights were given as files.
    pub weights_files: BTreeMap<String, StoredPath>,
    /// `thumbnails`: small pictures of the photos that have rows in a bank; empty unless the fit was asked to keep them.
    pub thumbnails: Vec<Thumbnail>,
    /// `provenance`: who made the model, as far as the program that did says.
    pub provenance: Option<Provenance>,
    /// `stale_thresholds`: of a model whose banks were changed after its calibration in a way that breaks what they promise.
    pub stale_thresholds: Option<StaleThresholds>,
    /// `history`: what was done to the banks, oldest first; empty for a model that is as its fit left it.
    pub history: Vec<Change>,
    /// All sections as they were read.
    pub(super) read: RawSections,
}

/// Where the model was fitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitSection {
    /// Name of the device.
    pub device: String,
}

/// What the section `coverage` says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct CoverageSection {
    members: Vec<Coverage>,
}

/// Kinds of training photos, each with its number, in the order of their first photos.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputsSeen {
    /// Sizes, upright, before any resize.
    pub sizes: Vec<SizeSeen>,
    /// Kinds of samples.
    pub colours: Vec<ColourSeen>,
}

/// A size of training photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeSeen {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Photos of that size.
    pub photos: usize,
}

/// A kind of samples of training photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColourSeen {
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Bits per sample: 8 or 16.
    pub bits: u32,
    /// Photos of that kind.
    pub photos: usize,
}

/// Who made a model. The library leaves it empty: a caller that wants it says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// When, as the caller writes dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// By which command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// Name and version of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The caller's words about the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Sections {
    /// Decodes those sections that this version knows.
    pub(super) fn decode(raw: RawSections) -> Result<Self, ModelFileError> {
        let mut sections = Self::known(&raw)?;
        sections.read = raw;
        Ok(sections)
    }

    fn known(raw: &RawSections) -> Result<Self, ModelFileError> {
        let sections = Self {
            thresholds: json_of(raw, "thresholds")?,
            passport: json_of(raw, "passport")?,
            fit: json_of(raw, "fit")?,
            photos: decoded(raw, "photos", training_photo::decode)?.unwrap_or_default(),
            inputs: json_of(raw, "inputs")?,
            good_quantiles: json_of(raw, "good_quantiles")?,
            coverage: json_of::<CoverageSection>(raw, "coverage")?.unwrap_or_default().members,
            weights_file: decoded(raw, "weights_file", training_photo::decode_path)?.flatten(),
            weights_files: decoded(raw, "weights_files", training_photo::decode_named_paths)?.unwrap_or_default(),
            thumbnails: decoded(raw, "thumbnails", thumbnails::decode)?.unwrap_or_default(),
            provenance: json_of(raw, "provenance")?,
            stale_thresholds: json_of(raw, "stale_thresholds")?,
            history: json_of(raw, "history")?.unwrap_or_default(),
            read: RawSections::new(),
        };
        // A threshold that is not a number would call everything good.
        let stale = sections.stale_thresholds.map(|stale| stale.thresholds);
        for thresholds in [sections.thresholds, stale].into_iter().flatten() {
            if let Some((name, wrong)) = thresholds.named().find(|(_, threshold)| !threshold.value.is_finite()) {
                return Err(malformed(format!("the {name} threshold {} is not finite", wrong.value)));
            }
        }
        // A radius that is not a number would promise what nobody has measured.
        if let Some(wrong) =
            sections.coverage.iter().find(|coverage| !(coverage.radius.is_finite() && coverage.radius >= 0.0))
        {
            return Err(malformed(format!("the coverage radius {} is no distance", wrong.radius)));
        }
        Ok(sections)
    }

    fn encode_known(&self) -> Result<RawSections, ModelFileError> {
        let mut raw = RawSections::new();
        let mut put = |name: &str, section: Option<Result<Section, ModelFileError>>| {
            if let Some(section) = section {
                raw.insert(name.to_owned(), section?);
            }
            Ok::<(), ModelFileError>(())
        };
        put("thresholds", self.thresholds.as_ref().map(Section::of))?;
        put("passport", self.passport.as_ref().map(Section::of))?;
        put("fit", self.fit.as_ref().map(Section::of))?;
        put("photos", (!self.photos.is_empty()).then(|| Ok(training_photo::encode(&self.photos))))?;
        put("inputs", self.inputs.as_ref().map(Section::of))?;
        put("good_quantiles", self.good_quantiles.as_ref().map(Section::of))?;
        let coverage = (!self.coverage.is_empty()).then(|| CoverageSection { members: self.coverage.clone() });
        put("coverage", coverage.as_ref().map(Section::of))?;
        put("weights_file", self.weights_file.as_ref().map(|path| Ok(training_photo::encode_path(path))))?;
        put(
            "weights_files",
            (!self.weights_files.is_empty()).then(|| Ok(training_photo::encode_named_paths(&self.weights_files))),
        )?;
        put("thumbnails", (!self.thumbnails.is_empty()).then(|| Ok(thumbnails::encode(&self.thumbnails))))?;
        put("provenance", self.provenance.as_ref().map(Section::of))?;
        put("stale_thresholds", self.stale_thresholds.as_ref().map(Section::of))?;
        put("history", (!self.history.is_empty()).then(|| Section::of(&self.history)))?;
        Ok(raw)
    }

    /// The sections to write: one that did not change stays as it was read, with whatever a newer version has put into it, and one that
    /// this version does not know stays too.
    pub(super) fn encode(&self) -> Result<RawSections, ModelFileError> {
        let (before, mut written) = (Self::known(&self.read)?.encode_known()?, self.encode_known()?);
        for (name, section) in &self.read {
            if before.get(name) == written.get(name) {
                written.insert(name.clone(), section.clone());
            }
        }
        Ok(written)
    }
}

fn decoded<T>(
    raw: &RawSections,
    name: &str,
    decode: impl Fn(&Section) -> Result<T, ModelFileError>,
) -> Result<Option<T>, ModelFileError> {
    let section = raw.get(name).map(decode).transpose();
    section.map_err(|error| match error {
        ModelFileError::Malformed { reason } => malformed(format!("section `{name}`: {reason}")),
        other => other,
    })
}

fn json_of<T: DeserializeOwned>(raw: &RawSections, name: &str) -> Result<Option<T>, ModelFileError> {
    decoded(raw, name, |section| T::deserialize(&section.json).map_err(malformed))
}
