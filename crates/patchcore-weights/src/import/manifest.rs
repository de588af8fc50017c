//! The manifest that `patchcore weights fetch` writes beside a file: what the file must hash to.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::WeightsError;

/// Compares `bytes`, the content of the file at `path`, with the manifest beside it (`NAME.json`).
///
/// A file without a manifest is a user's own and passes: its tensors are checked, its origin cannot be.
///
/// # Errors
///
/// [`WeightsError::Digest`] when the digests differ, [`WeightsError::Read`] for a manifest that cannot be read.
pub fn verify_manifest(path: &Path, backbone: &str, bytes: &[u8]) -> Result<(), WeightsError> {
    let beside = path.with_extension("json");
    let text = match fs::read(&beside) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(WeightsError::Read { path: beside, source }),
    };
    let manifest: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| WeightsError::Read { path: beside, source: Error::new(ErrorKind::InvalidData, error) })?;
    let field = |pointer| manifest.pointer(pointer).and_then(serde_json::Value::as_str);
    // Any other JSON file may lie beside a user's own export.
    let Some(expected) = field("/result/sha256") else { return Ok(()) };
    if field("/result/location") != path.file_name().and_then(|name| name.to_str()) {
        return Ok(());
    }
    let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    let (file, backbone) = (path.display().to_string(), backbone.to_owned());
    Err(WeightsError::Digest { file, backbone, expected: expected.to_owned(), found })
}
