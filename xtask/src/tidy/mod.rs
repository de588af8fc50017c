//! `cargo xtask tidy`: the house rules that a program can check, over the files that git knows or would add.

mod arrows;
mod circles;
mod kinds;
mod module_tree;
mod named;
mod networks;
mod published;
mod rules;
mod rust_source;
mod unsafe_code;
mod untracked;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use kinds::Kinds;
use rust_source::Source;
use unsafe_code::UnsafeCode;
pub use untracked::Untracked;

/// Check the house rules.
#[derive(Debug, Args)]
pub struct Tidy;

impl Tidy {
    /// Prints every violation; an error if there is one. `tasks` are those of xtask.
    pub fn run(&self, tasks: &clap::Command) -> anyhow::Result<()> {
        let violations = check(&root(), tasks)?;
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
fn check(root: &Path, tasks: &clap::Command) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    for needed in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "NOTICES.md", ".ci/run"] {
        if !root.join(needed).exists() {
            violations.push(format!("{needed}: missing"));
        }
    }
    let kinds = Kinds::new()?;
    let files = files(root)?;
    let tasks = tasks.get_subcommands().map(clap::Command::get_name);
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    violations.extend(named::violations(&architecture, &files, tasks));
    let mut unsafe_code = UnsafeCode::new();
    let mut manifests = Vec::new();
    let mut sources = BTreeMap::new();
    for file in files {
        let path = root.join(&file);
        // A file that git still lists may have been deleted.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        violations.extend(kinds.violation(&file));
        violations.extend(rules::violations(&file, &bytes));
        if file.ends_with("Cargo.toml") {
            manifests.push((file, String::from_utf8_lossy(&bytes).into_owned()));
        } else if file.ends_with(".rs") {
            let source = Source::new(&String::from_utf8_lossy(&bytes));
            violations.extend(unsafe_code.violation(&file, &source));
            sources.insert(file, source);
        }
    }
    violations.extend(unsafe_code.unneeded());
    let page = std::fs::read_to_string(root.join(networks::PAGE)).unwrap_or_default();
    violations.extend(networks::violations(&page, &manifests)?);
    violations.extend(arrows::violations(&architecture, &manifests)?);
    violations.extend(published::violations(root, &manifests, published::compiler_of_ci()?.as_deref())?);
    let changelog = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    violations.extend(published::changelog(&changelog));
    violations.extend(circles::violations(&sources));
    Ok(violations)
}

/// Tracked files and those that git would add.
fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(listing.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8_lossy(&listing.stdout);
    Ok(listing.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let violations = check(&root(), &crate::Xtask::command()).unwrap();
        assert!(violations.is_empty(), "\n{}", violations.join("\n"));
    }
}
