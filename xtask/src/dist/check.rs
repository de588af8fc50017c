//! Looks at an archive as whoever gets it does: its sum, its papers, and the program of it with an empty home, nothing on the PATH
//! and no network.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::ValueEnum as _;

use super::archive::{check_sum, unpack};
use super::crates::{Id, checksums, crates};
use super::facts::{FACTS, Facts};
use super::needs::needs;
use super::program::names_no_folder;
use super::runner::Runner;
use super::sbom::read_sbom;
use super::shells::completions_and_pages;
use super::target::Target;
use crate::tidy::root;

/// What no archive lacks, beside the program, its completions and its pages.
const NEEDED: [&str; 8] = [
    "README.md",
    "CHANGELOG.md",
    "NOTICES.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "INSTALL.md",
    "THIRD-PARTY-LICENSES.txt",
    "sbom.cdx.json",
];

/// Checks `archive`, which was made of the working tree's Cargo.lock.
///
/// # Errors
/// The first thing that is not as it should be.
pub fn check(archive: &Path) -> anyhow::Result<()> {
    check_sum(archive)?;
    let folder = tempfile::tempdir()?;
    unpack(&fs::read(archive)?, folder.path())?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".tar.gz").with_context(|| format!("expected a file .tar.gz, found {name}"))?;
    let top = folder.path().join(name);
    let read =
        |file: &str| fs::read_to_string(top.join(file)).with_context(|| format!("the archive has no {name}/{file}"));
    for file in NEEDED {
        ensure!(!read(file)?.is_empty(), "{file} is empty");
    }
    let facts: Facts = serde_json::from_str(&read(FACTS)?).with_context(|| format!("{FACTS} is of another form"))?;
    ensure!(facts.name() == name, "{FACTS} is of {}, the archive is called {name}", facts.name());
    let target = Target::from_str(&facts.target, false).map_err(|error| anyhow::anyhow!("{FACTS}: {error}"))?;

    let path = top.join(target.program());
    let program = fs::read(&path).with_context(|| format!("the archive has no {}", target.program()))?;
    let found = needs(&program)?;
    ensure!(found == facts.needs, "the program needs {found}, {FACTS} says {}", facts.needs);
    names_no_folder(&program)?;

    let parts = crates(target, &facts.features)?.into_iter().map(|one| one.id).collect();
    check_papers(&parts, &read("sbom.cdx.json")?, &read("THIRD-PARTY-LICENSES.txt")?)?;
    println!("{name}: {} parts in the SBOM, {} bytes of program, needs {found}", parts.len(), program.len());

    let runner = Runner::new(target, &path, folder.path())?.without_network()?;
    runner.check_network()?;
    run(&runner, &facts)?;
    for (file, written) in completions_and_pages(&runner)? {
        ensure!(read(&file)?.as_bytes() == written.bytes, "{file} is not what the program writes");
    }
    println!("{name}: demo, fit, score, completions and manual pages run with an empty home, no PATH and no network");
    Ok(())
}

/// That the papers name what the program is made of: the SBOM nothing else, the licences each crate of others.
fn check_papers(parts: &BTreeSet<Id>, sbom: &str, licences: &str) -> anyhow::Result<()> {
    let listed = read_sbom(sbom)?;
    let missing: Vec<&Id> = parts.difference(&listed).collect();
    ensure!(missing.is_empty(), "the SBOM lacks {missing:?}");
    let more: Vec<&Id> = listed.difference(parts).collect();
    ensure!(more.is_empty(), "the SBOM names what the program does not have: {more:?}");
    let lock = checksums(&fs::read_to_string(root().join("Cargo.lock"))?)?;
    for part in parts {
        let checksum = lock.get(part).with_context(|| format!("Cargo.lock has no {} {}", part.name, part.version))?;
        let line = format!("{} {}: ", part.name, part.version);
        let is_named = licences.lines().any(|found| found.starts_with(&line) && found.contains("; text "));
        ensure!(checksum.is_none() || is_named, "the licences lack {} {}", part.name, part.version);
    }
    Ok(())
}

/// The whole main job.
fn run(runner: &Runner, facts: &Facts) -> anyhow::Result<()> {
    let said = runner.run(&["--version"])?;
    ensure!(said.contains(&facts.version), "the program calls itself `{}`, expected {}", said.trim(), facts.version);
    runner.run(&["demo"])?;
    let report = runner.work.join("patchcore-demo/report.html");
    ensure!(fs::metadata(&report).is_ok_and(|file| file.len() > 0), "`patchcore demo` wrote no report");
    // The demo's photos are photos as good as any.
    runner.run(&["fit", "--data", "patchcore-demo/flange", "-o", "part.patchcore"])?;
    let rows = runner.run(&["score", "--model", "part.patchcore", "patchcore-demo/flange/test/dent"])?;
    let count = fs::read_dir(runner.work.join("patchcore-demo/flange/test/dent"))?.count();
    let scored = rows.lines().filter(|row| row.contains(".jpg")).count();
    ensure!(count > 0 && scored == count, "{scored} of {count} photos were scored:\n{rows}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::licences::licences;
    use crate::dist::sbom::sbom;

    #[test]
    fn papers_that_lack_a_crate_or_have_one_more_are_refused() {
        let crates = crates(Target::LinuxMusl, &Target::LinuxMusl.features()).unwrap();
        let parts: BTreeSet<Id> = crates.iter().map(|one| one.id.clone()).collect();
        assert!(parts.iter().any(|part| part.name == "clap") && !parts.iter().any(|part| part.name == "burn"));
        let (list, texts) = (sbom(&crates).unwrap(), licences("Licences", &crates).unwrap());
        check_papers(&parts, &list, &texts).unwrap();

        let fewer: Vec<_> = crates.iter().filter(|one| one.id.name != "clap").cloned().collect();
        let error = check_papers(&parts, &sbom(&fewer).unwrap(), &texts).unwrap_err().to_string();
        assert!(error.contains("lacks") && error.contains("\"clap\""), "{error}");
        let error = check_papers(&parts, &list, &licences("Licences", &fewer).unwrap()).unwrap_err().to_string();
        assert!(error.contains("the licences lack clap 4"), "{error}");
        let other = fewer.iter().map(|one| one.id.clone()).collect();
        let error = check_papers(&other, &list, &texts).unwrap_err().to_string();
        assert!(error.contains("does not have") && error.contains("\"clap\""), "{error}");
    }
}
