//! `cargo xtask formats`: writes the tables of docs/reference/formats.md. What they say is what the test `formats` of patchcore-io makes of the
//! files that it draws, and every run of that test compares.

use anyhow::{Context, ensure};
use clap::Args;

use crate::release_build::cargo;
use crate::tidy::root;

/// Write the tables of docs/reference/formats.md.
#[derive(Debug, Args)]
pub struct Formats {}

impl Formats {
    /// Runs the test that writes them.
    pub fn run(&self) -> anyhow::Result<()> {
        let test = ["test", "-p", "patchcore-io", "--test", "it", "--", "formats::"];
        let mut command = cargo();
        command.args(test).env("PATCHCORE_WRITE_FORMATS", "1").current_dir(root());
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        ensure!(status.success(), "{command:?} failed");
        println!("docs/reference/formats.md is written");
        Ok(())
    }
}
