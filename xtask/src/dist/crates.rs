//! What the program is made of: the crates that cargo links into it for one target and one set of features, each with what it
//! needs, its licence and where its source lies.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::target::Target;
use crate::child::output_of;
use crate::release_build::cargo;
use crate::tidy::root;

/// Name and version: in one build no two crates have both alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// As in the registry.
    pub name: String,
    /// As in Cargo.lock.
    pub version: String,
}

/// One crate of the program.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Which.
    pub id: Id,
    /// The licence as the crate says it.
    pub licence: String,
    /// Who wrote it, as the crate says it.
    pub authors: Vec<String>,
    /// Where its source is kept, as the crate says it.
    pub repository: Option<String>,
    /// A file of the licence that the crate names, from its folder.
    pub licence_file: Option<PathBuf>,
    /// Where its source lies here.
    pub folder: PathBuf,
    /// SHA-256 of the package in the registry, hexadecimal; none for a package of this workspace.
    pub sha256: Option<String>,
    /// Which crates it needs in this build.
    pub needs: BTreeSet<Id>,
}

impl Crate {
    /// Whether it belongs to this workspace.
    pub fn is_ours(&self) -> bool {
        self.sha256.is_none()
    }
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    license_file: Option<PathBuf>,
    authors: Vec<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The crates of the program with these features, by name and version: procedural macros too, whose output is in it, and no build
/// scripts.
///
/// `cargo tree` resolves features as the build does, without those that tests and other packages ask for; what a crate says of itself
/// stands in `cargo metadata`.
///
/// # Errors
/// Cargo fails, or one of its answers is of another form than expected.
pub fn crates(target: Target, features: &str) -> anyhow::Result<Vec<Crate>> {
    let mut tree = cargo();
    tree.args([
        "tree",
        "--locked",
        "--package",
        "patchcore-cli",
        "--edges",
        "normal",
        "--prefix",
        "depth",
        "--format",
        "\t{p}",
    ]);
    tree.args(["--target", target.triple(), "--no-default-features", "--features", features]).current_dir(root());
    let edges = parse_tree(&output_of(&mut tree)?)?;

    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root());
    let metadata: Metadata =
        serde_json::from_str(&output_of(&mut metadata)?).context("cargo metadata gave no metadata")?;
    let packages: HashMap<(&str, &str), &Package> =
        metadata.packages.iter().map(|package| ((package.name.as_str(), package.version.as_str()), package)).collect();

    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let checksums = checksums(&lock)?;

    let mut crates = Vec::with_capacity(edges.len());
    for (id, needs) in edges {
        let package = packages.get(&(id.name.as_str(), id.version.as_str()));
        let package = package.with_context(|| format!("cargo metadata has no {} {}", id.name, id.version))?;
        let locked = checksums.get(&id).with_context(|| format!("Cargo.lock has no {} {}", id.name, id.version))?;
        crates.push(Crate {
            licence: package.license.clone().with_context(|| format!("{} {} says no licence", id.name, id.version))?,
            authors: package.authors.clone(),
            repository: package.repository.clone(),
            licence_file: package.license_file.clone(),
            folder: package.manifest_path.parent().context("a manifest lies in a folder")?.to_path_buf(),
            sha256: locked.clone(),
            id,
            needs,
        });
    }
    Ok(crates)
}

/// Every crate of a Cargo.lock with its checksum, which those of the workspace lack.
///
/// # Errors
/// A text that is no Cargo.lock.
pub fn checksums(lock: &str) -> anyhow::Result<BTreeMap<Id, Option<String>>> {
    let lock: Lock = toml::from_str(lock).context("this is no Cargo.lock")?;
    Ok(lock.package.into_iter().map(|one| (Id { name: one.name, version: one.version }, one.checksum)).collect())
}

/// Reads lines of depth, tabulator, `name vVERSION ...`: each crate with what it needs. A crate that stood there before is not followed
/// again (`(*)`), so its needs are those of its first line.
fn parse_tree(tree: &str) -> anyhow::Result<BTreeMap<Id, BTreeSet<Id>>> {
    let mut crates: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    // The crates from the program to the present line.
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let parts = line.split_once('\t').and_then(|(depth, crate_)| {
            let mut words = crate_.split(' ');
            Some((depth.parse::<usize>().ok()?, words.next()?, words.next()?.strip_prefix('v')?))
        });
        let (depth, name, version) = parts.with_context(|| format!("not a line of cargo tree: `{line}`"))?;
        ensure!(depth <= above.len(), "cargo tree leaves out a level before `{line}`");
        let id = Id { name: name.to_owned(), version: version.to_owned() };
        above.truncate(depth);
        if let Some(parent) = above.last() {
            crates.entry(parent.clone()).or_default().insert(id.clone());
        }
        crates.entry(id.clone()).or_default();
        above.push(id);
    }
    ensure!(!crates.is_empty(), "cargo tree printed nothing");
    Ok(crates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> Id {
        Id { name: name.to_owned(), version: version.to_owned() }
    }

    #[test]
    fn a_tree_gives_each_crate_once_with_what_it_needs() {
        let tree = "0\tpatchcore-cli v0.1.0 (/x/crates/patchcore-cli)\n1\tclap v4.6.9\n2\tclap_derive v4.6.9 (proc-macro)\n3\tsyn v3.0.10\n\
                    1\timage v0.25.10\n2\ttoml v1.2.1+spec-1.1.0\n1\tsyn v3.0.10 (*)\n";
        let crates = parse_tree(tree).unwrap();
        assert_eq!(crates.len(), 6);
        let needed = |of: &Id| crates.get(of).unwrap().iter().cloned().collect::<Vec<_>>();
        let first = needed(&id("patchcore-cli", "0.1.0"));
        assert_eq!(first, [id("clap", "4.6.9"), id("image", "0.25.10"), id("syn", "3.0.10")]);
        assert_eq!(needed(&id("image", "0.25.10")), [id("toml", "1.2.1+spec-1.1.0")]);
        assert_eq!(needed(&id("syn", "3.0.10")), []);
    }

    #[test]
    fn what_is_no_tree_is_an_error_that_names_the_line() {
        for (tree, named) in
            [("", "nothing"), ("0 clap v1", "0 clap v1"), ("0\tclap", "clap"), ("2\tclap v4.6.9", "clap v4.6.9")]
        {
            let error = parse_tree(tree).unwrap_err().to_string();
            assert!(error.contains(named), "{tree:?}: {error}");
        }
    }

    #[test]
    fn a_lock_file_gives_the_checksums_of_what_is_not_ours() {
        let lock = "version = 4\n[[package]]\nname = \"clap\"\nversion = \"4.6.9\"\nchecksum = \"ab\"\n\
                    [[package]]\nname = \"patchcore\"\nversion = \"0.1.0\"\n";
        let checksums = checksums(lock).unwrap();
        assert_eq!(checksums.get(&id("clap", "4.6.9")).unwrap().as_deref(), Some("ab"));
        assert_eq!(checksums.get(&id("patchcore", "0.1.0")).unwrap(), &None);
    }
}
