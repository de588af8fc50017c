//! The manifest that `cargo xtask fetch-weights` writes beside a file: what the file must hash to.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::WeightsError;

/// Compares `bytes`, the content of the file at `path`, with the manifest beside it (`NAME.json`).
///
/// A file without a manifest is a user's own and passes: its tensors are checked, its origin cannot be.
///
/// # Errors
///
/// [`WeightsError::Digest`] when the digests differ.
pub fn verify_manifest(path: &Path, backbone: &str, bytes: &[u8]) -> Result<(), WeightsError> {
    let Ok(text) = fs::read_to_string(path.with_extension("json")) else { return Ok(()) };
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
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
