//! `cargo xtask fetch-weights`: what `patchcore weights fetch` does, without building the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use patchcore_fetch::{
    FetchError, Install, Registry, RegistryEntry, last_layers, published, weights_dir, weights_files,
};

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
    /// Keep layers up to this one; else up to the deepest that a fit takes by default.
    #[arg(long, value_name = "LAYER", value_parser = PossibleValuesParser::new(last_layers()))]
    last_layer: Option<String>,
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
        let registry = Registry::shipped()?;
        let directory = self.to.clone().or_else(weights_dir).ok_or(FetchError::NoDirectory)?;
        if self.list {
            list(&registry, &directory);
            return Ok(());
        }
        let entries = registry.chosen(&self.names, self.all, self.from.as_deref())?;
        entries.into_iter().try_for_each(|entry| self.install(entry, &directory))
    }

    fn install(&self, entry: &RegistryEntry, directory: &Path) -> Result<()> {
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
            last_layer: self.last_layer.as_deref(),
            unverified: self.unverified,
            force: self.force,
            pause: Duration::from_secs(2),
            progress: &progress,
        };
        eprintln!("{}: from {}", entry.name, self.from.as_deref().unwrap_or(&entry.url));
        let result = install.run(entry, self.from.as_deref());
        bar.finish_and_clear();
        match result {
            Ok(installed) => print!("{}", installed.summary()),
            Err(error) => bail!("{}: {error}", entry.name),
        }
        Ok(())
    }
}

/// What the help says of the names.
fn names_help() -> String {
    let names: Vec<&str> = published().map(|network| network.name).collect();
    format!("Backbones to install: {}", names.join(", "))
}

/// One line per backbone.
fn list(registry: &Registry, directory: &Path) {
    println!("weights directory: {}", directory.display());
    for entry in &registry.weights {
        let installed = weights_files(directory, &entry.name).iter().any(|path| path.is_file());
        let state = if installed { "installed" } else { "-" };
        println!("{:<18} {:<14} {:<13} {:<10} {}", entry.name, entry.version, entry.licence, state, entry.url);
    }
}
