//! The real photographs and the real ResNet-18, which lie beside the project and are no part of it.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folder, if it is there: `PATCHCORE_SHARED`, else `../shared` from the project's root.
pub fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let folder = std::env::var_os("PATCHCORE_SHARED").map_or_else(beside, PathBuf::from);
    folder.join("data").is_dir().then_some(folder)
}

/// The ResNet-18 trunk in it.
pub fn resnet18(shared: &Path) -> PathBuf {
    shared.join("weights/resnet18-imagenet1k-v1-trunk.onnx")
}

/// The files of a folder, sorted by name.
///
/// # Errors
/// A folder that cannot be read.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort_unstable();
    Ok(files)
}
