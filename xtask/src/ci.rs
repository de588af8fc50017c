//! `cargo xtask ci`: what must pass before a commit, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::tidy::{Tidy, root};

/// What is type-checked, as far as a machine without a GPU can tell.
const FEATURES: [&str; 11] = [
    "",
    "flex",
    "wgpu",
    "vulkan",
    "metal",
    "webgpu",
    "cuda",
    "rocm",
    "fusion",
    "autotune",
    "flex,wgpu,fusion,autotune",
];

/// Format, house rules, clippy, tests, documentation.
#[derive(Debug, Args)]
pub struct Ci;

impl Ci {
    /// Runs every step; the first failure ends it.
    pub fn run(&self) -> anyhow::Result<()> {
        cargo(&["fmt", "--all", "--check"])?;
        Tidy.run()?;
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
        cargo(&["test", "--workspace"])?;
        cargo(&["doc", "--workspace", "--no-deps"])?;
        // Each feature alone, and the usual combination: features are additive only if somebody tries.
        for features in FEATURES {
            let check = ["check", "-p", "patchcore-core", "--no-default-features", "--features", features];
            // The scripts of CUDA's crates want a network, unless they are told that only documentation is built.
            run(Command::new(env!("CARGO")).args(check).env("DOCS_RS", "1"), &check.join(" "))?;
        }
        Ok(())
    }
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run(Command::new(env!("CARGO")).args(arguments), &arguments.join(" "))
}

fn run(command: &mut Command, shown: &str) -> anyhow::Result<()> {
    println!("cargo {shown}");
    let status = command.current_dir(root()).status();
    let status = status.with_context(|| format!("cannot run cargo {shown}"))?;
    ensure!(status.success(), "cargo {shown} failed");
    Ok(())
}
