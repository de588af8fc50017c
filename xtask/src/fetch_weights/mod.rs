//! `cargo xtask fetch-weights`: published ImageNet weights into the weights directory, verified and converted.
//!
//! ```text
//! --from FILE|DIR|URL, else the registry's URL -> source -> download (.part, range, digest) -> install
//!     install: .pth | .safetensors | .onnx -> importer of patchcore-weights -> NAME.safetensors + NAME.json
//! ```
//!
//! This is the only code of the project that opens a network connection. It honours `HTTP_PROXY`, `HTTPS_PROXY`,
//! `ALL_PROXY` and `NO_PROXY`.

mod digest;
mod download;
mod error;
mod install;
mod manifest;
mod pickle;
mod pth;
mod registry;
mod source;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use patchcore_weights::{weights_dir, weights_files};
use registry::{Registry, RegistryEntry, published};

use error::FetchError;
use install::Install;

pub use digest::sha256_hex;
pub use pth::read_pth;

/// The registry that is in the repository.
const REGISTRY: &str = include_str!("../../../assets/weights.toml");

/// Installs pretrained backbones.
#[derive(Debug, Args)]
pub struct FetchWeights {
    #[arg(value_name = "NAME", required_unless_present_any = ["all", "list"], help = names_help())]
    names: Vec<String>,
    /// Install every backbone of the registry.
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// List the registry and what is installed, and stop.
    #[arg(long)]
    list: bool,
    /// Take the weights from a file (.pth, .safetensors, .onnx), a folder of such files, or another address; an
    /// address that ends in / is a mirror with the published file names.
    #[arg(long, value_name = "FILE|DIR|URL")]
    from: Option<String>,
    /// Install here instead of PATCHCORE_CACHE or the user's cache directory.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Keep layers up to this one.
    #[arg(long, value_name = "LAYER", default_value = "layer3", value_parser = PossibleValuesParser::new(last_layers()))]
    last_layer: String,
    /// Accept a .pth that is not the published file, for example weights of your own training.
    #[arg(long)]
    unverified: bool,
    /// Fetch and convert even when the weights are installed already.
    #[arg(long)]
    force: bool,
}

impl FetchWeights {
    /// Runs the task.
    ///
    /// # Errors
    ///
    /// The first backbone that cannot be installed; the ones before it stay installed.
    pub fn run(&self) -> Result<()> {
        let registry = Registry::parse(REGISTRY)?;
        let directory = self.to.clone().or_else(weights_dir).ok_or(FetchError::NoDirectory)?;
        if self.list {
            list(&registry, &directory);
            return Ok(());
        }
        let entries: Vec<&RegistryEntry> = if self.all {
            registry.weights.iter().collect()
        } else {
            self.names.iter().map(|name| registry.get(name)).collect::<Result<_, _>>()?
        };
        if let Some(from) = &self.from {
            let many = from.ends_with('/') || std::path::Path::new(from).is_dir();
            ensure!(
                entries.len() == 1 || many,
                "--from {from} is one file, but {} backbones are asked for",
                entries.len()
            );
        }
        for entry in entries {
            self.install(entry, &directory)?;
        }
        Ok(())
    }

    fn install(&self, entry: &RegistryEntry, directory: &std::path::Path) -> Result<()> {
        let bar = ProgressBar::no_length().with_message(entry.name.clone());
        // A template that does not parse is a bug of ours that a test sees; the default bar serves.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
            bar.set_style(style);
        }
        let progress = |got: u64, total: Option<u64>| {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(got);
        };
        let install = Install {
            directory,
            last_layer: &self.last_layer,
            unverified: self.unverified,
            force: self.force,
            pause: Duration::from_secs(2),
            progress: &progress,
        };
        eprintln!("{}: from {}", entry.name, self.from.as_deref().unwrap_or(&entry.url));
        let result = install.run(entry, self.from.as_deref());
        bar.finish_and_clear();
        let installed = match result {
            Ok(installed) => installed,
            Err(error) => bail!("{}: {error}", entry.name),
        };
        let manifest = &installed.manifest;
        let state = if installed.already { "already installed" } else { "installed" };
        println!("{} {state}: {} (up to {})", entry.name, installed.path.display(), manifest.last_layer);
        match &manifest.version {
            Some(version) => println!("  {version}, {}, source sha256 {}", manifest.licence, manifest.source.sha256),
            None => println!(
                "  not the published .pth: names, shapes and values were checked, not which training they come from"
            ),
        }
        Ok(())
    }
}

/// What the help says of the names.
fn names_help() -> String {
    let names: Vec<&str> = published().map(|network| network.name).collect();
    format!("Backbones to install: {}", names.join(", "))
}

/// The deepest default layer, and those behind it.
fn last_layers() -> Vec<&'static str> {
    let mut names = Vec::new();
    for network in published() {
        let levels = network.levels.iter().skip(network.needed_levels().saturating_sub(1));
        names.extend(levels.map(|level| level.name).filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    names
}

/// One line per backbone.
fn list(registry: &Registry, directory: &std::path::Path) {
    println!("weights directory: {}", directory.display());
    for entry in &registry.weights {
        let installed = weights_files(directory, &entry.name).iter().any(|path| path.is_file());
        let state = if installed { "installed" } else { "-" };
        println!("{:<18} {:<14} {:<13} {:<10} {}", entry.name, entry.version, entry.licence, state, entry.url);
    }
}
