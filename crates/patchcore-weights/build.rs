//! Embeds installed weights: for every feature `embed-NAME`, the tensors of `NAME.safetensors` or `NAME.onnx` as one
//! blob in the binary.
//!
//! Looked for in `PATCHCORE_WEIGHTS_DIR`, the weights directory (`PATCHCORE_CACHE`, else the user's cache), and the
//! repository's `assets/`. A file that is not there is one warning; a file that is there and wrong stops the build.
//! The network is never touched.

#[allow(dead_code, unused_imports, reason = "the library uses the rest")]
#[path = "src/import/mod.rs"]
mod import;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use import::{
    Architecture, Rounding, WeightsError, WeightsFormat, encode_safetensors, verify_manifest, weights_dir,
    weights_files,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/import");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mut table = String::from("/// Name and safetensors bytes of each embedded backbone.\n");
    table.push_str("static EMBEDDED: &[(&str, &[u8])] = &[\n");
    let mut absent = Vec::new();
    for name in Architecture::known().iter().map(|known| known.name).filter(|name| is_wanted(name)) {
        let Some(path) = find(name) else {
            absent.push(name);
            continue;
        };
        println!("cargo:rerun-if-changed={}", path.display());
        let blob = blob(&path, name).map_err(|error| error.to_string())?;
        fs::write(out.join(format!("{name}.safetensors")), blob).map_err(|error| error.to_string())?;
        // Writing to a string cannot fail.
        let _ = writeln!(table, "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.safetensors\"))),");
    }
    table.push_str("];\n");
    if !absent.is_empty() {
        let names = absent.join(" ");
        println!("cargo:warning=no weights to embed for {names}: run `cargo xtask fetch-weights {names}`");
    }
    fs::write(out.join("embedded.rs"), table).map_err(|error| error.to_string())
}

/// Whether the feature `embed-NAME` is on.
fn is_wanted(name: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_EMBED_{}", name.to_uppercase())).is_some()
}

/// The file of that backbone in the first place that has one.
fn find(name: &str) -> Option<PathBuf> {
    for variable in ["PATCHCORE_WEIGHTS_DIR", "PATCHCORE_CACHE", "XDG_CACHE_HOME", "HOME"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let explicit = env::var_os("PATCHCORE_WEIGHTS_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let assets = env::var_os("CARGO_MANIFEST_DIR").map(|dir| PathBuf::from(dir).join("../../assets"));
    let folders = [explicit, weights_dir(), assets];
    for folder in folders.into_iter().flatten() {
        for path in weights_files(&folder, name) {
            if path.is_file() {
                return Some(path);
            }
            // A file that appears later must start this script again; a folder that is missing would always do so.
            if folder.is_dir() {
                println!("cargo:rerun-if-changed={}", folder.display());
            }
        }
    }
    None
}

/// The verified tensors as a safetensors file.
fn blob(path: &Path, name: &str) -> Result<Vec<u8>, WeightsError> {
    let format = WeightsFormat::of(path, name)?;
    let bytes = fs::read(path).map_err(|source| WeightsError::Read { path: path.into(), source })?;
    verify_manifest(path, name, &bytes)?;
    let tensors = format.import(name, &path.display().to_string(), &bytes)?;
    let is_half = env::var_os("CARGO_FEATURE_EMBED_F16").is_some();
    encode_safetensors(&tensors, if is_half { Rounding::ToF16 } else { Rounding::None })
}
