//! Burn code from ONNX files: the example's own network, and what the tests compare two importers on.

use std::path::{Path, PathBuf};
use std::{env, fs};

use burn_onnx::{LoadStrategy, ModelGen};
use patchcore_testing::{RESNET18, find_shared};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixtures = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("fixtures");
    let own = fixtures.join("own.onnx");
    // The file has graph and weights: its digest tells one network from another, also after the next training.
    println!("cargo::rustc-env=OWN_NETWORK_SHA256={}", sha256(&own)?);

    let mut inputs = vec![own, fixtures.join("narrow_resnet18.onnx"), fixtures.join("narrow_resnet50.onnx")];
    println!("cargo::rustc-check-cfg=cfg(has_real_trunk)");
    println!("cargo::rerun-if-env-changed=PATCHCORE_SHARED");
    println!("cargo::rerun-if-env-changed=PATCHCORE_REQUIRE_SHARED");
    if let Some(trunk) = find_shared(RESNET18)? {
        println!("cargo::rustc-cfg=has_real_trunk");
        inputs.push(trunk);
    }

    // The weights go into the binary: the generated code would otherwise remember where this folder was.
    let mut generator = ModelGen::new();
    generator.out_dir("onnx/").load_strategy(LoadStrategy::Embedded);
    for input in &inputs {
        println!("cargo::rerun-if-changed={}", input.display());
        generator.input(&input.display().to_string());
    }
    generator.run_from_script();
    Ok(())
}

/// 64 hex digits.
fn sha256(file: &Path) -> std::io::Result<String> {
    Ok(Sha256::digest(fs::read(file)?).iter().map(|byte| format!("{byte:02x}")).collect())
}
