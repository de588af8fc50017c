//! `cargo xtask public-api`: lists what the stable packages offer, item by item, in docs/public-api, so that a break is seen in review.
//!
//! rustdoc writes what it knows as JSON, which the stable compiler does when it is told to, and the crate `public-api` makes lines of
//! it. The facade is built without Burn, which has nothing in its interface. What marks a feature's items in the documentation
//! (`doc_cfg`, unstable too) is compiled on the way.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use public_api::PublicApi;

use crate::release_build::{cargo, target};
use crate::tidy::root;

/// The packages that are semver-stable, and the features with which all of their interface is there.
const LISTED: [(&str, &str); 5] = [
    ("patchcore", "bmp,cpu,embed-efficientnet-lite0,jpeg,png,tiff,tracing,webp"),
    ("patchcore-config", ""),
    ("patchcore-io", "bmp,jpeg,png,tiff,webp"),
    ("patchcore-metrics", ""),
    ("patchcore-report", ""),
];

/// Packages that are not stable, but for what the facade re-exports of them; that is listed with the facade.
const BELOW: [(&str, &str); 2] = [("patchcore-core", "cpu"), ("patchcore-cpu", "")];

/// Where the listings lie, from the root.
const FOLDER: &str = "docs/public-api";

/// List the public interface of the stable packages in docs/public-api.
#[derive(Debug, Args)]
pub struct PublicApis {
    /// Compare instead of writing, and fail where they differ
    #[arg(long)]
    check: bool,
}

impl PublicApis {
    /// Writes the listings, or prints how they differ and fails.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut differing = Vec::new();
        for (package, features) in LISTED {
            let mut listing = listing(package, features)?;
            if package == "patchcore" {
                for (below, features) in BELOW {
                    listing += &format!("\n# What it re-exports of {below}\n");
                    listing += &re_exported(&listing, &self::listing(below, features)?, &below.replace('-', "_"));
                }
            }
            let file = root().join(FOLDER).join(format!("{package}.txt"));
            let recorded = fs::read_to_string(&file).unwrap_or_default();
            let changes = changes(&recorded, &listing);
            print!("{changes}");
            if self.check && recorded != listing {
                differing.push(package);
            } else if !self.check {
                fs::create_dir_all(root().join(FOLDER)).with_context(|| format!("cannot make {FOLDER}"))?;
                fs::write(&file, &listing).with_context(|| format!("cannot write {}", file.display()))?;
                println!("{FOLDER}/{package}.txt: {} lines", listing.lines().count());
            }
        }
        ensure!(
            differing.is_empty(),
            "the interface of {} is not the one in {FOLDER}: record it with `cargo xtask public-api`, and name what a `-` line breaks in \
             CHANGELOG.md, under \"What breaks\"",
            differing.join(", ")
        );
        Ok(())
    }
}

/// The public items of a package, one a line.
fn listing(package: &str, features: &str) -> anyhow::Result<String> {
    let json = rustdoc_json(package, features)?;
    let read = |without_derived: bool| -> anyhow::Result<Vec<String>> {
        let builder = public_api::Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(without_derived);
        let api = builder.build().with_context(|| {
            format!(
                "cannot read {}: the release of the crate `public-api` in Cargo.toml goes with one compiler",
                json.display()
            )
        })?;
        Ok(lines(&api))
    };
    // Of a derived trait the line that says so; not its methods.
    let items: BTreeSet<String> = read(true)?.into_iter().collect();
    let kept = read(false)?.into_iter().filter(|line| line.starts_with("impl") || items.contains(line));
    Ok(kept.map(|line| line + "\n").collect())
}

fn lines(api: &PublicApi) -> Vec<String> {
    api.items().map(ToString::to_string).collect()
}

/// The lines of another package's listing whose item, or whose item's type, is named by a `pub use` of `facade`.
fn re_exported(facade: &str, below: &str, package: &str) -> String {
    let names = facade.lines().filter_map(|line| line.strip_prefix("pub use patchcore::"));
    // Types and constants: a module of that name is another package, which is listed itself.
    let names: BTreeSet<&str> = names.filter(|name| name.starts_with(char::is_uppercase)).collect();
    let start = format!("{package}::");
    let is_named = |line: &&str| {
        // An implementation belongs to what stands after `for`; anything else to the first path in it.
        let owner =
            line.starts_with("impl").then(|| line.rsplit_once(" for ")).flatten().map_or(*line, |(_, owner)| owner);
        let path = owner.split_once(&start).map_or("", |(_, path)| path);
        let path =
            path.split(|end: char| !end.is_alphanumeric() && end != '_' && end != ':').next().unwrap_or_default();
        path.split("::").any(|part| names.contains(part))
    };
    let kept =
        below.lines().filter(|line| !line.starts_with("pub use ") && !line.starts_with("pub mod ")).filter(is_named);
    // What is public under two paths is listed once for each.
    let mut seen = BTreeSet::new();
    kept.filter(|line| seen.insert(*line)).map(|line| format!("{line}\n")).collect()
}

/// What rustdoc knows of a package.
fn rustdoc_json(package: &str, features: &str) -> anyhow::Result<PathBuf> {
    // Build scripts look at RUSTC_BOOTSTRAP: in the usual directory everything would be built anew after it, and before.
    let target = target().join("public-api");
    let mut command = cargo();
    command.args([
        "rustdoc",
        "--quiet",
        "--lib",
        "--package",
        package,
        "--no-default-features",
        "--features",
        features,
    ]);
    command.args(["--", "-Zunstable-options", "--output-format", "json", "--cfg", "docsrs"]);
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &target).env_remove("RUSTDOCFLAGS");
    let status = command.current_dir(root()).status().context("cannot run cargo rustdoc")?;
    ensure!(status.success(), "{command:?} failed");
    Ok(target.join("doc").join(format!("{}.json", package.replace('-', "_"))))
}

/// Lines that are gone, with `-`, and new ones, with `+`.
fn changes(recorded: &str, listing: &str) -> String {
    let before: BTreeSet<&str> = recorded.lines().collect();
    let after: BTreeSet<&str> = listing.lines().collect();
    let gone = recorded.lines().filter(|line| !after.contains(line)).map(|line| format!("- {line}\n"));
    let new = listing.lines().filter(|line| !before.contains(line)).map(|line| format!("+ {line}\n"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_and_what_is_new_is_shown() {
        let before = "pub fn a()\npub fn b()\n";
        assert_eq!(changes(before, before), "");
        assert_eq!(
            changes(before, "pub fn a(u8)\npub fn b()\npub fn c()\n"),
            "- pub fn a()\n+ pub fn a(u8)\n+ pub fn c()\n"
        );
    }

    #[test]
    fn what_a_re_exported_type_offers_is_kept_and_who_takes_it_is_not() {
        let facade = "pub mod patchcore\npub use patchcore::Bank\npub struct patchcore::Model\n";
        let below = "pub mod core::bank\npub struct core::bank::Bank\npub fn core::bank::Bank::rows(&self) -> usize\n\
                     pub fn core::bank::load(core::bank::Bank)\npub struct core::bank::Banks\n\
                     impl core::clone::Clone for core::bank::Bank\nimpl core::From<core::bank::Bank> for core::Other\n";
        let kept = "pub struct core::bank::Bank\npub fn core::bank::Bank::rows(&self) -> usize\n\
                    impl core::clone::Clone for core::bank::Bank\n";
        assert_eq!(re_exported(facade, below, "core"), kept);
    }

    #[test]
    fn every_listed_package_is_recorded_and_no_other() {
        let mut recorded: Vec<_> = fs::read_dir(root().join(FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        recorded.sort();
        let mut listed = LISTED.map(|(package, _)| format!("{package}.txt"));
        listed.sort();
        assert_eq!(recorded, listed);
    }
}
