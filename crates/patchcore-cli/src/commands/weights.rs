//! `patchcore weights`: which networks have weights here, and how to come by the others.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use patchcore::config::CATALOGUE;
use patchcore::config::backbone::{NetworkEntry, WeightsSource};
use patchcore_fetch::{FetchError, Install, Manifest, Registry, embedded_weights, weights_dir, weights_files};
use serde_json::json;

use crate::arguments::{InspectFormat, Installation, ListWeights, Weights, WeightsCommand};
use crate::command_line::shell_path;
use crate::misuse::Misuse;
use crate::outcome::Outcome;
use crate::output;

pub fn run(arguments: &Weights) -> anyhow::Result<Outcome> {
    match &arguments.command {
        WeightsCommand::List(list) => print_list(list)?,
        WeightsCommand::Fetch(fetch) => {
            check_address(fetch.from.as_deref())?;
            install(&fetch.installation, &fetch.networks, fetch.all, fetch.from.as_deref())?;
        }
        WeightsCommand::Import(import) => {
            let file = import.file.to_str().ok_or_else(|| {
                Misuse(format!("FILE is {}: expected a path that is text; copy the file", import.file.display()))
            })?;
            install(&import.installation, std::slice::from_ref(&import.network), false, Some(file))?;
        }
    }
    Ok(Outcome::Done)
}

/// A file is imported, and not fetched.
fn check_address(from: Option<&str>) -> anyhow::Result<()> {
    match from.filter(|from| !from.starts_with("http://") && !from.starts_with("https://")) {
        Some(from) => Err(Misuse(format!(
            "--from is {from}: expected an address (http:// or https://); a file is installed by `patchcore weights import`"
        ))
        .into()),
        None => Ok(()),
    }
}

/// Installs networks one after the other; those before the first that fails stay.
fn install(how: &Installation, networks: &[String], all: bool, from: Option<&str>) -> anyhow::Result<()> {
    let registry = Registry::shipped()?;
    let directory = how.to.clone().or_else(weights_dir).ok_or(FetchError::NoDirectory)?;
    let (mut last, mut file) = ("", None);
    for entry in registry.chosen(networks, all, from)? {
        output::note(&format!("{}: from {}", entry.name, from.unwrap_or(&entry.url)));
        let bar = bar(&entry.name);
        let progress = |got: u64, total: Option<u64>| {
            total.iter().for_each(|total| bar.set_length(*total));
            bar.set_position(got);
        };
        let install = Install {
            directory: &directory,
            last_layer: how.last_layer.as_deref(),
            unverified: how.unverified,
            force: how.force,
            pause: Duration::from_secs(2),
            progress: &progress,
        };
        let installed = install.run(entry, from);
        bar.finish_and_clear();
        let installed = installed?;
        output::print(&installed.summary())?;
        let path = installed.path;
        last = entry.name.as_str();
        file = how.to.is_some().then_some(path);
    }
    // Weights in another folder are found by their name alone.
    let named = file.map_or(String::new(), |file: PathBuf| format!(" --weights {}", shell_path(&file)));
    output::next(&format!("patchcore fit --data GOOD_PHOTOS --backbone {last}{named} -o part.patchcore"));
    Ok(())
}

/// A bar of bytes, on a terminal.
fn bar(name: &str) -> ProgressBar {
    if output::is_quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::no_length().with_message(name.to_owned());
    style.into_iter().for_each(|style| bar.set_style(style));
    bar
}

/// Whether a network's weights are in the program or installed.
pub fn are_here(network: &NetworkEntry) -> bool {
    !matches!(State::of(network, weights_dir().as_deref()), State::Absent)
}

/// Where a network's weights are, the first place counts.
enum State {
    Embedded,
    Installed(PathBuf),
    Absent,
}

impl State {
    fn of(network: &NetworkEntry, directory: Option<&Path>) -> Self {
        if embedded_weights(network.name).is_some() {
            return Self::Embedded;
        }
        let files = directory.map(|directory| weights_files(directory, network.name)).unwrap_or_default();
        files.into_iter().find(|file| file.is_file()).map_or(Self::Absent, Self::Installed)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Installed(_) => "installed",
            Self::Absent => "absent",
        }
    }
}

fn print_list(arguments: &ListWeights) -> anyhow::Result<()> {
    let directory = arguments.to.clone().or_else(weights_dir);
    let rows = CATALOGUE.iter().map(|network| (network, State::of(network, directory.as_deref())));
    let rows: Vec<(&NetworkEntry, State)> = rows.collect();
    if arguments.format == InspectFormat::Json {
        let networks: Vec<serde_json::Value> = rows.iter().map(|(network, state)| as_json(network, state)).collect();
        let directory = directory.as_deref().map(patchcore::path_text);
        return output::print(&format!("{:#}\n", json!({ "directory": directory, "networks": networks })));
    }
    let line = |network: &NetworkEntry, state: &State| {
        let what = match state {
            State::Embedded => "in this program".to_owned(),
            State::Installed(path) if is_verified(path) => path.display().to_string(),
            State::Installed(path) => format!("{} (not verified to be the published ones)", path.display()),
            State::Absent if matches!(network.weights, WeightsSource::Published { .. }) => {
                format!("patchcore weights fetch {}", network.name)
            }
            State::Absent => "--weights FILE".to_owned(),
        };
        format!("{:<18} {:<10} {:<13} {what}\n", network.name, state.name(), network.licence)
    };
    output::print(&rows.iter().map(|(network, state)| line(network, state)).collect::<String>())
}

/// Whether installed weights were made of the published file: `weights fetch` and `weights import` compare it with the digits of its
/// digest that its publisher states. Other containers of the same tensors cannot be compared, nor a file that somebody put there.
fn is_verified(path: &Path) -> bool {
    Manifest::beside(path).is_some_and(|manifest| manifest.version.is_some())
}

fn as_json(network: &NetworkEntry, state: &State) -> serde_json::Value {
    let file = match state {
        State::Installed(path) => Some(patchcore::path_text(path)),
        State::Embedded | State::Absent => None,
    };
    let verified = match state {
        State::Installed(path) => Some(is_verified(path)),
        State::Embedded | State::Absent => None,
    };
    json!({ "name": network.name, "state": state.name(), "file": file, "verified": verified, "licence": network.licence })
}
