//! `cargo xtask tidy`: the house rules that a program can check, over the files that git knows or would add.

mod rules;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

/// Check the house rules.
#[derive(Debug, Args)]
pub struct Tidy;

impl Tidy {
    /// Prints every violation; an error if there is one.
    pub fn run(&self) -> anyhow::Result<()> {
        let violations = check(&root())?;
        for violation in &violations {
            eprintln!("{violation}");
        }
        ensure!(violations.is_empty(), "{} violations of the house rules", violations.len());
        println!("tidy");
        Ok(())
    }
}

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// All violations in the repository.
fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    for needed in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "NOTICES.md", ".ci/run"] {
        if !root.join(needed).exists() {
            violations.push(format!("{needed}: missing"));
        }
    }
    for file in files(root)? {
        let path = root.join(&file);
        // A file that git still lists may have been deleted.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        violations.extend(rules::violations(&file, &bytes));
    }
    Ok(violations)
}

/// Tracked files and those that git would add.
fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(listing.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr));
    Ok(String::from_utf8_lossy(&listing.stdout).lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let violations = check(&root()).unwrap();
        assert!(violations.is_empty(), "\n{}", violations.join("\n"));
    }
}
