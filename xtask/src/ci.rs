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
        cargo(&["doc", "--workspace", "--no-deps"])
    }
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let shown = arguments.join(" ");
    println!("cargo {shown}");
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(root()).status();
    let status = status.with_context(|| format!("cannot run cargo {shown}"))?;
    ensure!(status.success(), "cargo {shown} failed");
    Ok(())
}
