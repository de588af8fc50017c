//! The shared folder of real weights: used where it is, skipped where it is not.

use std::path::PathBuf;

/// A path in the shared folder, or a printed "skipped".
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PATCHCORE_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")));
    let found = root.join(path);
    if !found.exists() {
        println!("skipped: no ../shared/{path}");
        return None;
    }
    Some(found)
}

/// The real ResNet-18 trunk.
pub fn resnet18() -> Option<PathBuf> {
    shared("weights/resnet18-imagenet1k-v1-trunk.onnx")
}
