//! `cargo xtask package-size`: what `cargo publish` would upload, crate by crate, and that it is ours and small.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use patchcore_testing::find_shared;
use sha2::{Digest, Sha256};

use crate::tidy::root;

/// The registry's limit for a package, in bytes. It counts the compressed package; the sum of the files is above that.
const LIMIT: u64 = 10 << 20;

/// Sum up the files of every package; an error for one of 10 MiB or more, or with a file of the shared folder.
#[derive(Debug, Args)]
pub struct PackageSize;

impl PackageSize {
    /// Prints a table, largest package first.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut packages = packages()?;
        packages.sort_by_key(|package| std::cmp::Reverse(package.bytes()));
        for package in &packages {
            println!(
                "{:>8.1} KiB  {:>4} files  {}",
                package.bytes() as f64 / 1024.0,
                package.files.len(),
                package.name
            );
        }
        for package in &packages {
            package.check_size()?;
        }
        let Some(shared) = find_shared("")? else {
            println!("not compared with the shared folder: it is not there");
            return Ok(());
        };
        let copies = copies_from(&shared, &packages)?;
        ensure!(copies.is_empty(), "files of the shared folder, which may not be published: {copies:?}");
        Ok(())
    }
}

/// A package and the files that are published with it, with their sizes.
struct Package {
    name: String,
    files: Vec<(PathBuf, u64)>,
}

impl Package {
    fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    fn check_size(&self) -> anyhow::Result<()> {
        let largest = self.files.iter().max_by_key(|(_, bytes)| bytes);
        let largest = largest.map_or_else(String::new, |(path, bytes)| format!("{} ({bytes} bytes)", path.display()));
        let bytes = self.bytes();
        let name = &self.name;
        ensure!(bytes < LIMIT, "package {name} has {bytes} bytes, expected less than {LIMIT}; largest: {largest}");
        Ok(())
    }
}

/// Every package of the workspace that may be published.
fn packages() -> anyhow::Result<Vec<Package>> {
    let metadata = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_slice(&metadata).context("cannot read cargo metadata")?;
    let is_published = |member: &Member| member.publish.as_ref().is_none_or(|registries| !registries.is_empty());
    metadata.packages.into_iter().filter(is_published).map(list).collect()
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

#[derive(serde::Deserialize)]
struct Member {
    name: String,
    manifest_path: PathBuf,
    /// Registries; absent for any, empty for none.
    publish: Option<Vec<String>>,
}

/// The files of one package.
fn list(member: Member) -> anyhow::Result<Package> {
    let listing = cargo(&["package", "--list", "--offline", "--allow-dirty", "--package", &member.name])?;
    let folder = member.manifest_path.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&listing).lines() {
        // Cargo writes these three itself: the manifest twice, the workspace's lock file, the commit.
        let path = match line {
            ".cargo_vcs_info.json" => continue,
            "Cargo.toml.orig" => folder.join("Cargo.toml"),
            "Cargo.lock" => root().join(line),
            _ => folder.join(line),
        };
        // A symbolic link is published as what it points to: the target's size and the target's place count.
        let path = path.canonicalize().with_context(|| format!("cannot find {} of {}", line, member.name))?;
        let bytes = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        files.push((path, bytes));
    }
    Ok(Package { name: member.name, files })
}

fn cargo(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let shown = arguments.join(" ");
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output();
    let output = output.with_context(|| format!("cannot run cargo {shown}"))?;
    ensure!(output.status.success(), "cargo {shown} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Files of `packages` with the content of a file below `folder`.
fn copies_from(folder: &Path, packages: &[Package]) -> anyhow::Result<Vec<PathBuf>> {
    let mut by_size: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            match entry.metadata()? {
                data if data.is_dir() => folders.push(entry.path()),
                // Every empty file is a copy of every other.
                data if data.len() > 0 => by_size.entry(data.len()).or_default().push(entry.path()),
                _ => {}
            }
        }
    }
    let digest = |path: &Path| -> anyhow::Result<_> {
        Ok(Sha256::digest(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?))
    };
    let mut copies = Vec::new();
    for (path, bytes) in packages.iter().flat_map(|package| &package.files) {
        for candidate in by_size.get(bytes).into_iter().flatten() {
            if digest(path)? == digest(candidate)? {
                copies.push(path.clone());
            }
        }
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_below_the_registrys_limit_and_inside_the_repository() {
        let packages = packages().unwrap();
        assert!(packages.iter().any(|package| package.name == "patchcore"));
        assert!(!packages.iter().any(|package| package.name == "xtask"));
        let root = root().canonicalize().unwrap();
        for package in &packages {
            assert!(package.files.len() > 3, "{}: nothing is published", package.name);
            package.check_size().unwrap();
            for (path, _) in &package.files {
                assert!(path.starts_with(&root), "{}: {} is not ours", package.name, path.display());
            }
        }
    }

    #[test]
    fn no_package_has_a_file_of_the_shared_folder() {
        let Some(shared) = patchcore_testing::shared("") else { return };
        assert_eq!(copies_from(&shared, &packages().unwrap()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_copy_is_found_and_a_large_package_refused() {
        let (shared, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(shared.path().join("inner")).unwrap();
        fs::write(shared.path().join("inner/a"), "copied").unwrap();
        let file = |name: &str, text: &str| {
            let path = ours.path().join(name);
            fs::write(&path, text).unwrap();
            (path, text.len() as u64)
        };
        let mut package = Package { name: "p".into(), files: vec![file("b", "copied"), file("c", "coined")] };
        let copies = copies_from(shared.path(), std::slice::from_ref(&package)).unwrap();
        assert_eq!(copies, [ours.path().join("b")]);
        package.check_size().unwrap();
        package.files.push((PathBuf::from("weights.bin"), LIMIT));
        assert!(package.check_size().unwrap_err().to_string().contains("weights.bin"));
    }
}
