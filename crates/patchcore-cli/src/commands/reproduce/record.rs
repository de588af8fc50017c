//! What is kept of a run: one JSON file with the settings that it was made with, so that the next start need not measure it again.

use std::path::{Path, PathBuf};

use anyhow::Context;
use patchcore::config::Checked;
use patchcore::metrics::Results;
use patchcore::{ComputeDevice, DataSet, path_text, write_beside_and_rename};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::benchmark::Class;
use crate::output::make_folder;

/// Everything that may change a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeWith {
    /// The program and its version.
    pub program: String,
    /// The configuration, as rows for people: mode, network, view, share of the patches, seed.
    pub settings: Vec<(String, String)>,
    /// Digest of the network's weights.
    pub weights_sha256: String,
    /// Device, number format and instructions.
    pub device: String,
    /// Digest of the names and lengths of all photos and masks.
    pub photos_sha256: String,
}

impl MadeWith {
    /// Of a run on these photos.
    pub fn new(config: &Checked, weights_sha256: &str, device: &ComputeDevice, set: &DataSet) -> Self {
        Self {
            program: concat!("patchcore ", env!("CARGO_PKG_VERSION")).to_owned(),
            settings: config.described().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            weights_sha256: weights_sha256.to_owned(),
            device: described(device),
            photos_sha256: digest(set),
        }
    }

    /// In what another run differs, in words.
    pub fn difference(&self, other: &Self) -> String {
        let differs = [
            ("another version", self.program != other.program),
            ("other settings", self.settings != other.settings),
            ("other weights", self.weights_sha256 != other.weights_sha256),
            ("another device", self.device != other.device),
            ("other photos", self.photos_sha256 != other.photos_sha256),
        ];
        let named: Vec<&str> = differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
        named.join(" and ")
    }
}

/// `cpu, f32, avx2`; of a GPU with the name of its hardware.
pub fn described(device: &ComputeDevice) -> String {
    let hardware = &device.properties().hardware;
    let instructions = device.instructions().map(|set| set.name().to_owned());
    let hardware = Some(hardware.clone()).filter(|name| !name.is_empty());
    let parts = [Some(device.name()), hardware, Some(device.precision().name().to_owned()), instructions];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Names and lengths, which cost no more than the folder's listing; whoever exchanges pictures of one length knows of it.
fn digest(set: &DataSet) -> String {
    let mut hasher = Sha256::new();
    let tests = set.test.iter().flat_map(|image| std::iter::once(&image.path).chain(&image.masks));
    for path in set.train.iter().chain(tests) {
        let length = std::fs::metadata(path).map_or(0, |found| found.len());
        hasher.update(format!("{}\n{length}\n", set.relative(path)));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One class in one mode, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// With what.
    pub made_with: MadeWith,
    /// When.
    pub written: String,
    /// Photos that the fit was made of.
    pub training_photos: usize,
    /// Photos that could not be fitted on or scored, and masks that could not be used.
    pub faults: usize,
    /// The metrics, as `evaluate` writes them.
    pub results: Results,
}

impl Record {
    /// The file of a run in the folder for results.
    pub fn place(output: &Path, benchmark: &str, class: &str, mode: &str) -> PathBuf {
        output.join(benchmark).join(class).join(format!("{mode}.json"))
    }

    /// Photos of the test that were scored.
    pub fn test_photos(&self) -> usize {
        self.results.overall.n_normal + self.results.overall.n_anomalous
    }

    /// Whether it is of all photos that the makers ship, each of which could be used.
    pub fn is_whole(&self, class: &Class) -> bool {
        self.faults == 0 && (self.training_photos, self.test_photos()) == (class.training, class.test)
    }

    /// What an earlier run has left; `None` without a file, and for one that cannot be read any more: it is made again.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path_text(path))),
        }
    }

    /// Keeps it: the whole file or none.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        make_folder(path.parent().context("a record without a folder")?)?;
        Ok(write_beside_and_rename(path, format!("{}\n", serde_json::to_string_pretty(self)?).as_bytes())?)
    }
}
