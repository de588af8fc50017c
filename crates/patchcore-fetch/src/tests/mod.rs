//! The download against a server that behaves in every bad way, and installation from every kind of source.

mod download;
mod install;
mod server;
mod written;

use std::fs;
use std::path::PathBuf;

/// A fixture of patchcore-weights.
fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../patchcore-weights/tests/fixtures");
    fs::read(folder.join(name)).unwrap()
}
