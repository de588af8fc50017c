//! `cargo xtask dist`: the program for people who have no Rust, as one archive for each kind of machine: the program, completions,
//! manual pages, the licences of all that is in it, and a list of its parts. `--check` looks at such an archive as its reader does.

mod archive;
mod check;
mod crates;
pub mod device_bundle;
mod facts;
mod licences;
mod needs;
mod program;
mod runner;
mod sbom;
mod shells;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;

use self::archive::{File, Files};
use self::facts::{FACTS, Facts};
use self::target::Target;
use crate::child::output_of;
use crate::release_build::target as target_folder;
use crate::tidy::root;

/// Make an archive of the program in target/dist, or check one.
#[derive(Debug, Args)]
pub struct Dist {
    /// For which machine
    #[arg(long, value_enum, default_value = "x86_64-unknown-linux-gnu")]
    target: Target,
    /// Cargo features of the program, separated by commas, instead of those that this target is shipped with
    #[arg(long)]
    features: Option<String>,
    /// Cargo profile of the build
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Make nothing: check ARCHIVE with the SHA256SUMS beside it, and run its program with an empty home, no PATH and no network
    #[arg(long, value_name = "ARCHIVE", conflicts_with_all = ["target", "features", "profile"])]
    check: Option<PathBuf>,
}

/// Files of the repository that every archive has.
const OURS: [&str; 5] = ["README.md", "CHANGELOG.md", "NOTICES.md", "LICENSE-APACHE", "LICENSE-MIT"];

impl Dist {
    /// Makes or checks.
    ///
    /// # Errors
    /// A build that fails, an archive that is not as it should be.
    pub fn run(&self) -> anyhow::Result<()> {
        match &self.check {
            Some(archive) => check::check(archive),
            None => {
                let features = self.features.clone().unwrap_or_else(|| self.target.features());
                make(self.target, &features, &self.profile).map(|_| ())
            }
        }
    }
}

/// Makes an archive without Burn and checks it.
///
/// # Errors
/// As [`Dist::run`].
pub fn make_and_check() -> anyhow::Result<()> {
    let archive = make(Target::LinuxGnu, &Target::LinuxMusl.features(), "dist")?;
    check::check(&archive)
}

/// Makes the archive and writes its line of SHA256SUMS; where it is.
fn make(target: Target, features: &str, profile: &str) -> anyhow::Result<PathBuf> {
    let built = program::build(target, features, profile)?;
    let program = fs::read(&built.path).with_context(|| format!("cannot read {}", built.path.display()))?;
    program::names_no_folder(&program)?;
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        target: target.triple().to_owned(),
        features: features.to_owned(),
        needs: needs::needs(&program)?,
        compiler: built.compiler,
        commit: git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])?,
    };
    let crates = crates::crates(target, features)?;

    let mut files = Files::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        files.insert(name.to_owned(), File { bytes, is_program: name == target.program() })
    };
    for name in OURS {
        add(name, read(&root().join(name))?);
    }
    for (name, file) in target.licences_beside(&built.sysroot) {
        add(&format!("licenses/{name}"), read(&file)?);
    }
    let title = format!("Licences of others' work in patchcore {} for {}", facts.version, facts.target);
    add("THIRD-PARTY-LICENSES.txt", licences::licences(&title, &crates)?.into_bytes());
    add("sbom.cdx.json", sbom::sbom(&crates)?.into_bytes());
    add("INSTALL.md", facts.install(target.program())?.into_bytes());
    add(FACTS, (serde_json::to_string_pretty(&facts)? + "\n").into_bytes());
    add(target.program(), program);
    let folder = tempfile::tempdir()?;
    files.extend(shells::completions_and_pages(&runner::Runner::new(target, &built.path, folder.path())?)?);

    let out = target_folder().join("dist");
    fs::create_dir_all(&out)?;
    let archive = out.join(facts.name() + ".tar.gz");
    let packed = archive::pack(&facts.name(), &files, time()?)?;
    fs::write(&archive, &packed).with_context(|| format!("cannot write {}", archive.display()))?;
    archive::write_sum(&archive)?;
    println!(
        "{}: {} files, {} crates, {:.1} MiB, program {:.1} MiB",
        archive.display(),
        files.len(),
        crates.len(),
        mebibytes(&packed),
        {
            let program = files.get(target.program()).context("the program was packed")?;
            mebibytes(&program.bytes)
        }
    );
    println!("runs on: {}", facts.needs);
    Ok(archive)
}

fn mebibytes(bytes: &[u8]) -> f64 {
    bytes.len() as f64 / f64::from(1 << 20)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The time of all files: what SOURCE_DATE_EPOCH says, else that of the commit; seconds since 1970.
fn time() -> anyhow::Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => git(&["log", "-1", "--format=%ct"])?,
    };
    text.parse().with_context(|| format!("expected seconds since 1970 in SOURCE_DATE_EPOCH, found `{text}`"))
}

fn git(arguments: &[&str]) -> anyhow::Result<String> {
    Ok(output_of(Command::new("git").args(arguments).current_dir(root()))?.trim().to_owned())
}
