//! Embeds weights: for every feature `embed-NAME`, the tensors of `NAME.safetensors` or `NAME.onnx` as one blob in the
//! binary.
//!
//! Looked for in `PATCHCORE_WEIGHTS_DIR`, the weights directory (`PATCHCORE_CACHE`, else the user's cache), and the
//! package of assets; one that ships with the code in the last alone, so that what is installed on a machine cannot change it.
//! A file that is not there is one warning; a file that is there and wrong stops the build. The network is never
//! touched.

#[allow(dead_code, unused_imports, reason = "the library uses the rest")]
#[path = "src/import/mod.rs"]
mod import;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use import::{Rounding, WeightsError, WeightsFormat, encode_safetensors, verify_manifest, weights_dir, weights_files};
use patchcore_config::CATALOGUE;
use patchcore_config::backbone::{NetworkEntry, WeightsSource};

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
    let mut table = String::from(
        "/// Name of each backbone whose feature is on, and its safetensors bytes if there were any to embed.\n",
    );
    table.push_str("static EMBEDDED: &[(&str, Option<&[u8]>)] = &[\n");
    for network in CATALOGUE.iter().filter(|network| is_wanted(network)) {
        let name = network.name;
        // Writing to a string cannot fail.
        let _ = match find(network) {
            Ok(path) => {
                println!("cargo:rerun-if-changed={}", path.display());
                let blob = blob(&path, name).map_err(|error| error.to_string())?;
                fs::write(out.join(format!("{name}.safetensors")), blob).map_err(|error| error.to_string())?;
                writeln!(
                    table,
                    "    ({name:?}, Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.safetensors\")))),"
                )
            }
            Err(absent) => {
                println!("cargo:warning=nothing to embed: {absent}");
                writeln!(table, "    ({name:?}, None),")
            }
        };
    }
    table.push_str("];\n");
    fs::write(out.join("embedded.rs"), table).map_err(|error| error.to_string())
}

/// Whether the network's feature is on.
fn is_wanted(network: &NetworkEntry) -> bool {
    let variable = |feature: String| format!("CARGO_FEATURE_{}", feature.replace('-', "_").to_uppercase());
    network.embed_feature().is_some_and(|feature| env::var_os(variable(feature)).is_some())
}

/// The file of that network in the first place that has one.
fn find(network: &NetworkEntry) -> Result<PathBuf, WeightsError> {
    let name = network.name;
    let assets = PathBuf::from(patchcore_assets::FOLDER);
    let folders = if matches!(network.weights, WeightsSource::Shipped { .. }) {
        vec![assets]
    } else {
        for variable in ["PATCHCORE_WEIGHTS_DIR", "PATCHCORE_CACHE", "XDG_CACHE_HOME", "HOME"] {
            println!("cargo:rerun-if-env-changed={variable}");
        }
        let explicit = env::var_os("PATCHCORE_WEIGHTS_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        [explicit, weights_dir(), Some(assets)].into_iter().flatten().collect()
    };
    let mut looked = Vec::new();
    for folder in folders {
        for path in weights_files(&folder, name) {
            if path.is_file() {
                return Ok(path);
            }
            // A file that appears later must start this script again; a folder that is missing would always do so.
            if folder.is_dir() {
                println!("cargo:rerun-if-changed={}", folder.display());
            }
            looked.push(path);
        }
    }
    Err(WeightsError::not_installed(name, &looked))
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
