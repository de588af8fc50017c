//! What a published package says of itself: inherited facts, licences, a README, how stable it is, how its documentation is built.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use toml::{Table, Value};

/// The packages that a user may count on.
const STABLE: [&str; 6] =
    ["patchcore", "patchcore-cli", "patchcore-config", "patchcore-io", "patchcore-metrics", "patchcore-report"];
/// What they say in their documentation.
const STABLE_SENTENCE: &str =
    "Stable: versions follow semantic versioning, and the changelog begins each version with what breaks.";
/// What the others say.
const OTHER_SENTENCE: &str =
    "Not stable: a part of `patchcore`, published because that depends on it, which any version may change.";

/// What every one takes from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "keywords", "categories"];
/// What every one takes from the workspace where that says it.
const INHERITED_IF_SAID: [&str; 3] = ["authors", "homepage", "repository"];
/// Texts beside every Cargo.toml, links to those of the root.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// A Cargo.toml: its path from the root, with forward slashes, and its text.
type Manifest = (String, String);

/// What the published packages lack. `compiler` is what `rustc --version` prints in CI, where the claim of `rust-version` is tested.
///
/// # Errors
/// A Cargo.toml that is no TOML, a root without `[workspace.package]`.
pub fn violations(root: &Path, manifests: &[Manifest], compiler: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut tables = Vec::new();
    for (file, text) in manifests {
        tables.push((file.as_str(), text.parse::<Table>().with_context(|| format!("{file} is no TOML"))?));
    }
    let workspace = tables.iter().find(|(file, _)| *file == "Cargo.toml").context("no Cargo.toml at the root")?;
    let said = workspace.1.get("workspace").and_then(|workspace| workspace.get("package")).and_then(Value::as_table);
    let said = said.context("Cargo.toml: no [workspace.package]")?;
    let mut found = rust_version(root, said, &tables, compiler);
    for key in ["homepage", "repository"] {
        let address = said.get(key).and_then(Value::as_str).unwrap_or("https://");
        if !address.starts_with("https://") || address.contains("example.") {
            found.push(format!("Cargo.toml: {key} is `{address}`: name the real address or none"));
        }
    }
    for (file, manifest) in &tables {
        let Some(package) = manifest.get("package").and_then(Value::as_table) else { continue };
        if package.get("publish").and_then(Value::as_bool) != Some(false) {
            let lacks = Published { root, file, manifest, package }.violations(said);
            found.extend(lacks.into_iter().map(|lack| format!("{file}: {lack}")));
        }
    }
    Ok(found)
}

/// A package that may be published.
struct Published<'a> {
    root: &'a Path,
    file: &'a str,
    manifest: &'a Table,
    package: &'a Table,
}

impl Published<'_> {
    fn violations(&self, said: &Table) -> Vec<String> {
        let mut found = Vec::new();
        let inherits = |key: &str| {
            self.package.get(key).and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
        };
        let needed = INHERITED.iter().chain(INHERITED_IF_SAID.iter().filter(|key| said.contains_key(**key)));
        found.extend(needed.filter(|key| !inherits(key)).map(|key| format!("say `{key}.workspace = true`")));
        found.extend(
            ["description", "license", "readme"]
                .iter()
                .filter(|key| !self.package.contains_key(**key))
                .map(|key| format!("say `{key}`: it is published (or say `publish = false`)")),
        );
        let folder = self.root.join(self.file).parent().map(Path::to_path_buf).unwrap_or_default();
        for licence in LICENCES {
            let ours = std::fs::read(self.root.join(licence)).ok();
            if ours.is_none() || std::fs::read(folder.join(licence)).ok() != ours {
                found.push(format!("lacks {licence} of the root beside it: `ln -s` it there"));
            }
        }
        let name = self.package.get("name").and_then(Value::as_str).unwrap_or_default();
        let sentence = if STABLE.contains(&name) { STABLE_SENTENCE } else { OTHER_SENTENCE };
        let mut documents = Vec::new();
        documents.extend(self.package.get("readme").and_then(Value::as_str));
        if folder.join("src/lib.rs").exists() {
            documents.push("src/lib.rs");
            found.extend(self.documentation());
        }
        for document in documents {
            let text = std::fs::read_to_string(folder.join(document)).unwrap_or_default();
            if !flowing(&text).contains(sentence) {
                found.push(format!("{document} does not say how stable {name} is: \"{sentence}\""));
            }
        }
        found
    }

    /// What is wrong with `[package.metadata.docs.rs]`.
    fn documentation(&self) -> Vec<String> {
        let metadata =
            self.package.get("metadata").and_then(|metadata| metadata.get("docs")).and_then(|docs| docs.get("rs"));
        let Some(metadata) = metadata else {
            return vec!["lacks [package.metadata.docs.rs]".to_owned()];
        };
        let list = |key: &str| -> Vec<&str> {
            metadata.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let mut found = Vec::new();
        if list("rustdoc-args") != ["--cfg", "docsrs"] {
            found.push("[package.metadata.docs.rs]: say `rustdoc-args = [\"--cfg\", \"docsrs\"]`".to_owned());
        }
        let features = self.manifest.get("features").and_then(Value::as_table);
        let has = |name: &str| features.is_some_and(|features| features.contains_key(name));
        let unknown = list("features").into_iter().filter(|name| !has(name));
        found.extend(unknown.map(|name| format!("[package.metadata.docs.rs]: there is no feature `{name}`")));
        if has("document-features") && !list("features").contains(&"document-features") {
            found.push("[package.metadata.docs.rs]: leaves the feature `document-features` out".to_owned());
        }
        found
    }
}

/// Versions in CHANGELOG.md that do not begin with what breaks.
pub fn changelog(text: &str) -> Vec<String> {
    let versions = text.split("\n## ").skip(1).map(|version| version.split_once('\n').unwrap_or((version, "")));
    let silent = versions.filter(|(_, rest)| !rest.trim_start().starts_with("### What breaks\n"));
    silent.map(|(name, _)| format!("CHANGELOG.md: {name} does not begin with `### What breaks`")).collect()
}

/// A text without line breaks and marks of comments.
fn flowing(text: &str) -> String {
    let words = text.lines().map(|line| line.trim_start_matches("//!").trim());
    words.collect::<Vec<_>>().join(" ")
}

/// What `rustc --version` prints, in CI alone: elsewhere a newer compiler is welcome.
///
/// # Errors
/// A compiler that does not run.
pub fn compiler_of_ci() -> anyhow::Result<Option<String>> {
    if std::env::var_os("CI").is_none() {
        return Ok(None);
    }
    let output = Command::new("rustc").arg("--version").output().context("cannot run rustc")?;
    Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// One `rust-version` in the workspace, in the workspace apart, in clippy.toml, in the README and in CI.
fn rust_version(root: &Path, said: &Table, tables: &[(&str, Table)], compiler: Option<&str>) -> Vec<String> {
    let Some(version) = said.get("rust-version").and_then(Value::as_str) else {
        return vec!["Cargo.toml: [workspace.package] says no `rust-version`".to_owned()];
    };
    let mut found = Vec::new();
    for (file, manifest) in tables {
        let own = manifest.get("package").and_then(|package| package.get("rust-version")).and_then(Value::as_str);
        if own.is_some_and(|own| own != version) {
            found.push(format!("{file}: its rust-version is not the workspace's {version}"));
        }
    }
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let clippy = read("clippy.toml").parse::<Table>().unwrap_or_default();
    if clippy.get("msrv").is_some_and(|msrv| msrv.as_str() != Some(version)) {
        found.push(format!("clippy.toml: msrv is not the workspace's rust-version {version}"));
    }
    if !read("README.md").contains(&format!("({version} or newer)")) {
        found.push(format!("README.md: does not ask for a toolchain of \"({version} or newer)\""));
    }
    if let Some(compiler) = compiler
        && !compiler.starts_with(&format!("rustc {version}."))
    {
        found.push(format!(
            "Cargo.toml: CI does not test rust-version {version}, its compiler is {}: raise it",
            compiler.trim()
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = \"0.1.0\"\nrust-version = \"1.95\"\n";
    const METRICS: &str = "[package]\nname = \"patchcore-metrics\"\ndescription = \"d\"\nlicense.workspace = true\nreadme = \"README.md\"\n\
        version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nkeywords.workspace = true\n\
        categories.workspace = true\n[package.metadata.docs.rs]\nfeatures = [\"document-features\"]\n\
        rustdoc-args = [\"--cfg\", \"docsrs\"]\n[features]\ndocument-features = []\n";

    /// A repository of one published package.
    fn repository() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("m/src")).unwrap();
        for folder in ["", "m/"] {
            for licence in LICENCES {
                fs::write(root.path().join(folder).join(licence), licence).unwrap();
            }
        }
        fs::write(root.path().join("README.md"), "A toolchain (1.95 or newer)").unwrap();
        fs::write(root.path().join("m/README.md"), STABLE_SENTENCE.replacen(", ", ",\n", 1)).unwrap();
        fs::write(root.path().join("m/src/lib.rs"), format!("//! {}", STABLE_SENTENCE.replacen(", ", ",\n//! ", 1)))
            .unwrap();
        root
    }

    fn found(root: &Path, workspace: &str, metrics: &str, compiler: Option<&str>) -> Vec<String> {
        let manifests = [("Cargo.toml", workspace), ("m/Cargo.toml", metrics)];
        violations(root, &manifests.map(|(file, text)| (file.to_owned(), text.to_owned())), compiler).unwrap()
    }

    #[test]
    fn what_a_published_package_lacks_is_found() {
        let root = repository();
        assert_eq!(found(root.path(), ROOT, METRICS, None), [""; 0]);
        for (line, lack) in [
            ("keywords.workspace = true\n", "keywords.workspace"),
            ("description = \"d\"\n", "description"),
            ("\"--cfg\", ", "rustdoc-args"),
            ("\"document-features\"", "leaves the feature"),
            ("document-features = []\n", "no feature `document-features`"),
            ("[package.metadata.docs.rs]", "lacks [package.metadata.docs.rs]"),
        ] {
            let found = found(root.path(), ROOT, &METRICS.replacen(line, "", 1), None);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].starts_with("m/Cargo.toml: ") && found[0].contains(lack), "{found:?}");
        }
        let private = "[package]\nname = \"m\"\npublish = false\n";
        assert_eq!(found(root.path(), ROOT, private, None), [""; 0]);
        // The other class says another sentence, in the README and in the documentation.
        let found = found(root.path(), ROOT, &METRICS.replace("patchcore-metrics", "patchcore-core"), None);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|lack| lack.contains("Not stable")), "{found:?}");
    }

    #[test]
    fn a_licence_that_is_not_the_roots_is_found() {
        let root = repository();
        fs::write(root.path().join("m/LICENSE-MIT"), "another").unwrap();
        let found = found(root.path(), ROOT, METRICS, None);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("LICENSE-MIT"), "{found:?}");
    }

    #[test]
    fn an_address_is_real_and_everywhere() {
        let root = repository();
        let with = |address: &str| format!("{ROOT}repository = \"{address}\"\n");
        let missing = found(root.path(), &with("https://git.somewhere.org/patchcore"), METRICS, None);
        assert_eq!(missing, ["m/Cargo.toml: say `repository.workspace = true`"]);
        let metrics = METRICS.replace("keywords.workspace", "repository.workspace = true\nkeywords.workspace");
        let unreal = found(root.path(), &with("https://example.com/patchcore"), &metrics, None);
        assert_eq!(unreal.len(), 1, "{unreal:?}");
        assert!(unreal[0].contains("name the real address or none"), "{unreal:?}");
    }

    #[test]
    fn a_version_begins_with_what_breaks() {
        let good = "# Changelog\n\n## 0.2.0\n\n### What breaks\n\nNothing.\n\n## 0.1.0\n\n### What breaks\n\nAll.\n";
        assert_eq!(changelog(good), [""; 0]);
        assert_eq!(
            changelog(&good.replace("### What breaks\n\nAll.", "### What is new\n")),
            ["CHANGELOG.md: 0.1.0 does not begin with `### What breaks`"]
        );
    }

    #[test]
    fn one_compiler_is_named_everywhere_and_used_in_ci() {
        let root = repository();
        assert_eq!(found(root.path(), ROOT, METRICS, Some("rustc 1.95.0 (59807616e 2026-04-14)")), [""; 0]);
        let newer = found(root.path(), ROOT, METRICS, Some("rustc 1.96.0 (2026-05-28)"));
        assert!(newer.len() == 1 && newer[0].contains("CI does not test rust-version 1.95"), "{newer:?}");
        fs::write(root.path().join("clippy.toml"), "msrv = \"1.90\"\n").unwrap();
        let raised = found(root.path(), &ROOT.replace("1.95", "1.96"), METRICS, None);
        assert!(
            raised.len() == 2 && raised[0].contains("clippy.toml") && raised[1].contains("README.md"),
            "{raised:?}"
        );
        let own = METRICS.replace("rust-version.workspace = true", "rust-version = \"1.94\"");
        let own = found(root.path(), ROOT, &own, None);
        assert!(own.iter().any(|own| own.contains("m/Cargo.toml: its rust-version")), "{own:?}");
    }
}
