//! Burn code from ONNX files: the fixtures, and the real trunk of the shared folder where it is.

use std::env;
use std::path::PathBuf;

use burn_onnx::{LoadStrategy, ModelGen};
use patchcore_testing::{RESNET18, SharedMissing, find_shared};

fn main() -> Result<(), SharedMissing> {
    println!("cargo::rustc-check-cfg=cfg(has_real_trunk)");
    println!("cargo::rerun-if-env-changed=PATCHCORE_SHARED");
    println!("cargo::rerun-if-env-changed=PATCHCORE_REQUIRE_SHARED");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut inputs = vec![here.join("fixtures/narrow_resnet18.onnx"), here.join("fixtures/narrow_resnet50.onnx")];
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
