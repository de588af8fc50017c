//! `cargo xtask ci`: what must pass before a commit, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::tidy::{Tidy, root};

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
        // A GPU's code, as far as a machine without one can tell; the scripts of CUDA's crates want a network, unless
        // they are told that only documentation is built.
        cargo(&["check", "-p", "patchcore-core", "--features", "wgpu,fusion,autotune"])?;
        let core = ["check", "-p", "patchcore-core", "--features", "cuda"];
        run(Command::new(env!("CARGO")).args(core).env("DOCS_RS", "1"), "check --features cuda")
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
