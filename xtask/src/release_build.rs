//! Where cargo builds, and programs built for release: what tasks that run or time the program begin with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::tidy::root;

/// The cargo that runs this task, not another one of the same name. Where none does (CI starts the built program itself), the one on
/// the path: where that is rustup's, it alone tells every compiler that it starts which toolchain to be. The toolchain's own cargo,
/// named when this program was built, would leave that to files in the directories of other crates.
pub fn cargo_program() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// A command of [`cargo_program`].
pub fn cargo() -> Command {
    Command::new(cargo_program())
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds `package` of the source tree `tree`, with these further options, and tells where its program lies.
///
/// Another tree than the working tree is built into a directory of its own. Cargo tells packages apart by their path within the
/// workspace and old builds from new ones by the files' times: in one directory, the working tree's older files would pass
/// for built after another tree's were.
///
/// # Errors
/// A build that fails.
pub fn release_build(tree: &Path, package: &str, program: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
    let target = if tree == root() { target() } else { target().join("other-trees") };
    let mut cargo = cargo();
    cargo.args(["build", "--release", "--package", package]).args(options).current_dir(tree);
    let status = cargo.env("CARGO_TARGET_DIR", &target).status().context("cannot run cargo")?;
    ensure!(status.success(), "the release build of {package} in {} failed", tree.display());
    Ok(target.join("release").join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}
