//! `cargo xtask package-size`: packs what `cargo publish` would upload, crate by crate: nothing but the kinds of files below, all of
//! them ours, each package small. With `--build` it also compiles every packed crate by itself.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use patchcore_testing::find_shared;
use sha2::{Digest, Sha256};

use crate::release_build::{cargo, target};
use crate::tidy::root;

/// The registry's limit for a package as it is uploaded, compressed, in bytes.
const LIMIT: u64 = 10 << 20;

/// What belongs into a package, as cargo lists it: `*` stays within a folder, `**` goes below it.
const KINDS: [&str; 16] = [
    // Cargo writes these, from the manifest, the workspace's lock file and the commit.
    "Cargo.{toml,toml.orig,lock}",
    ".cargo_vcs_info.json",
    "{README,NOTICES}.md",
    "LICENSE-{APACHE,MIT}",
    "build.rs",
    "src/**/*.rs",
    "src/{*,*/cube}/README.md",
    "src/network/{reduced,reduced/tiles}/README.md",
    "examples/*.rs",
    // Tests that need no package of ours that is not published.
    "tests/**/*.{rs,csv,py,ttf}",
    "templates/*.{css,html,svg}",
    // What ships.
    "weights.toml",
    "efficientnet_lite{0,1,2}.safetensors",
    "font/{NotoSans-subset.ttf,OFL.txt}",
    "demo/flange/**/*.jpg",
    "demo/flange/ground_truth/*/*_mask.png",
];

/// What no package lacks.
const NEEDED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Others' work, and where in the package its licence and origin stand.
const OTHERS: [(&str, &str); 4] = [
    ("font/NotoSans-subset.ttf", "font/OFL.txt"),
    ("efficientnet_lite0.safetensors", "NOTICES.md"),
    ("efficientnet_lite1.safetensors", "NOTICES.md"),
    ("efficientnet_lite2.safetensors", "NOTICES.md"),
];

/// Pack every published crate; an error for one of 10 MiB or more, one with a file of a kind that does not belong there, or with a
/// file of the shared folder.
#[derive(Debug, Args)]
pub struct PackageSize {
    /// Compile each packed crate by itself, against the others as they are packed; what stands after `--` goes to cargo
    #[arg(long)]
    build: bool,
    /// Fail where something is missing that only a release needs: an address of the repository
    #[arg(long)]
    release: bool,
    /// Options of cargo for `--build`
    #[arg(last = true, requires = "build")]
    cargo: Vec<String>,
}

impl PackageSize {
    /// Prints a table, largest package first.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut packages = packages()?;
        pack(&packages, self.build.then_some(&self.cargo))?;
        for package in &mut packages {
            package.packed = packed_bytes(package)?;
        }
        packages.sort_by_key(|package| std::cmp::Reverse(package.packed));
        for package in &packages {
            println!("{:>8.1} KiB  {:>4} files  {}", package.packed as f64 / 1024.0, package.files.len(), package.name);
        }
        let kinds = kinds()?;
        for package in &packages {
            package.check_size()?;
            package.check_files(&kinds)?;
            let is_placed = package.has_repository || !self.release;
            ensure!(is_placed, "package {} names no repository: name it in the root's Cargo.toml", package.name);
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

/// A package and the files that are published with it.
struct Package {
    name: String,
    version: String,
    has_repository: bool,
    /// As the package names it, where it lies, its bytes.
    files: Vec<(String, PathBuf, u64)>,
    /// Bytes of the whole package as it is uploaded; 0 before it is packed.
    packed: u64,
}

impl Package {
    fn check_size(&self) -> anyhow::Result<()> {
        let largest = self.files.iter().max_by_key(|(_, _, bytes)| bytes);
        let largest = largest.map_or_else(String::new, |(name, _, bytes)| format!("{name} ({bytes} bytes)"));
        let Self { name, packed, .. } = self;
        ensure!(*packed < LIMIT, "package {name} has {packed} bytes, expected less than {LIMIT}; largest: {largest}");
        Ok(())
    }

    fn check_files(&self, kinds: &GlobSet) -> anyhow::Result<()> {
        let name = &self.name;
        for (file, _, _) in &self.files {
            ensure!(
                kinds.is_match(file),
                "package {name} has {file}, which is of no kind that is published: exclude it in its Cargo.toml, or add its kind \
                 to xtask/src/package_size.rs"
            );
        }
        let has = |wanted: &str| self.files.iter().any(|(file, _, _)| file == wanted);
        let beside = OTHERS.iter().filter(|(work, _)| has(work)).map(|(_, text)| *text);
        for needed in NEEDED.into_iter().chain(beside) {
            ensure!(has(needed), "package {name} lacks {needed}");
        }
        Ok(())
    }
}

/// The table of kinds, ready to be asked.
fn kinds() -> anyhow::Result<GlobSet> {
    let mut kinds = GlobSetBuilder::new();
    for row in KINDS {
        let kind = GlobBuilder::new(row).literal_separator(true).build();
        kinds.add(kind.with_context(|| format!("`{row}` in the table of kinds is no pattern"))?);
    }
    Ok(kinds.build()?)
}

/// Has cargo pack them, and with `build` compile each by itself with these options, all in one target directory.
///
/// The packages that are not published are left out one by one: cargo refuses them, since they name each other without a version.
fn pack(packages: &[Package], build: Option<&Vec<String>>) -> anyhow::Result<()> {
    let mut command = cargo();
    command.args(["package", "--quiet", "--allow-dirty"]).current_dir(root());
    for package in packages {
        command.args(["--package", &package.name]);
    }
    match build {
        Some(options) => command.args(options),
        None => command.arg("--no-verify"),
    };
    let status = command.env("CARGO_TARGET_DIR", packed_folder()).status().context("cannot run cargo package")?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}

/// A target directory of their own: what is compiled there is of packages in other places.
fn packed_folder() -> PathBuf {
    target().join("packages")
}

fn packed_bytes(package: &Package) -> anyhow::Result<u64> {
    let file = packed_folder().join("package").join(format!("{}-{}.crate", package.name, package.version));
    Ok(fs::metadata(&file).with_context(|| format!("cargo has not packed {}", file.display()))?.len())
}

/// Every package of the workspace that may be published.
fn packages() -> anyhow::Result<Vec<Package>> {
    let metadata = output_of_cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
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
    version: String,
    repository: Option<String>,
    manifest_path: PathBuf,
    /// Registries; absent for any, empty for none.
    publish: Option<Vec<String>>,
}

/// The files of one package.
fn list(member: Member) -> anyhow::Result<Package> {
    let listing = output_of_cargo(&["package", "--list", "--offline", "--allow-dirty", "--package", &member.name])?;
    let folder = member.manifest_path.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&listing).lines() {
        let path = match line {
            ".cargo_vcs_info.json" => continue,
            "Cargo.toml.orig" => folder.join("Cargo.toml"),
            "Cargo.lock" => root().join(line),
            // A README of the root is packed as if it were the package's own.
            "README.md" if !folder.join(line).exists() => root().join(line),
            _ => folder.join(line),
        };
        // A symbolic link is published as what it points to: the target's size and the target's place count.
        let path = path.canonicalize().with_context(|| format!("cannot find {} of {}", line, member.name))?;
        let bytes = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        files.push((line.to_owned(), path, bytes));
    }
    let has_repository = member.repository.is_some();
    Ok(Package { name: member.name, version: member.version, has_repository, files, packed: 0 })
}

fn output_of_cargo(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let shown = arguments.join(" ");
    let output = cargo().args(arguments).current_dir(root()).output();
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
    for (_, path, bytes) in packages.iter().flat_map(|package| &package.files) {
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
    fn every_package_has_the_files_that_belong_there() {
        let packages = packages().unwrap();
        assert!(packages.iter().any(|package| package.name == "patchcore"));
        assert!(!packages.iter().any(|package| package.name == "xtask"));
        let (kinds, root) = (kinds().unwrap(), root().canonicalize().unwrap());
        for package in &packages {
            package.check_files(&kinds).unwrap();
            for (file, path, _) in &package.files {
                assert!(path.starts_with(&root), "{}: {file} is not ours", package.name);
            }
        }
    }

    #[test]
    fn no_package_has_a_file_of_the_shared_folder() {
        let Some(shared) = patchcore_testing::shared("") else { return };
        assert_eq!(copies_from(&shared, &packages().unwrap()).unwrap(), Vec::<PathBuf>::new());
    }

    /// A package of files that lie nowhere.
    fn package(files: &[&str]) -> Package {
        let files = files.iter().map(|file| ((*file).to_owned(), PathBuf::from(file), 1)).collect();
        Package { name: "p".into(), version: "0.1.0".into(), has_repository: false, files, packed: 0 }
    }

    #[test]
    fn a_copy_is_found() {
        let (shared, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(shared.path().join("inner")).unwrap();
        fs::write(shared.path().join("inner/a"), "copied").unwrap();
        let mut package = package(&["b", "c"]);
        for ((name, path, bytes), text) in package.files.iter_mut().zip(["copied", "coined"]) {
            *path = ours.path().join(name.as_str());
            *bytes = text.len() as u64;
            fs::write(path, text).unwrap();
        }
        assert_eq!(copies_from(shared.path(), &[package]).unwrap(), [ours.path().join("b")]);
    }

    #[test]
    fn a_large_package_and_a_foreign_or_missing_file_are_refused() {
        let mut large = package(&["weights.bin"]);
        large.packed = LIMIT - 1;
        large.check_size().unwrap();
        large.packed = LIMIT;
        assert!(large.check_size().unwrap_err().to_string().contains("weights.bin"));
        let kinds = kinds().unwrap();
        let error = large.check_files(&kinds).unwrap_err().to_string();
        assert!(error.contains("p has weights.bin") && error.contains("exclude"), "{error}");
        package(&NEEDED).check_files(&kinds).unwrap();
        let error = package(&NEEDED[..4]).check_files(&kinds).unwrap_err().to_string();
        assert!(error.contains("p lacks README.md"), "{error}");
        let with_font = [NEEDED.as_slice(), &["font/NotoSans-subset.ttf"]].concat();
        let error = package(&with_font).check_files(&kinds).unwrap_err().to_string();
        assert!(error.contains("p lacks font/OFL.txt"), "{error}");
    }
}
