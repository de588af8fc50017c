//! `NAME.json` beside `NAME.safetensors`: where installed weights came from and what they must hash to.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// What stands in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// torchvision's name of the network.
    pub name: String,
    /// Which published weights these are; absent when the source could not be compared with the published file.
    pub version: Option<String>,
    /// SPDX identifier of the published weights' licence.
    pub licence: String,
    /// The file that was converted.
    pub source: FileRecord,
    /// The file that was written.
    pub result: FileRecord,
    /// The deepest layer in it.
    pub last_layer: String,
    /// The program that converted it.
    pub tool: String,
}

impl Manifest {
    /// The manifest beside an installed file; `None` where there is none, or one of another file.
    pub fn beside(file: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(file.with_extension("json")).ok()?;
        let manifest: Self = serde_json::from_str(&text).ok()?;
        (file.file_name()?.to_str()? == manifest.result.location).then_some(manifest)
    }
}

/// One file by place and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Address, path or file name.
    pub location: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
}
