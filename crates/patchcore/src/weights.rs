//! Where the weights of networks come from.

use std::path::Path;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;

#[cfg(not(target_family = "wasm"))]
use patchcore_config::BackboneWeights;
use patchcore_config::NetworkWeights;
use patchcore_core::model_file::ModelFile;
#[cfg(not(target_family = "wasm"))]
use patchcore_weights::{embedded_weights, find_weights};

use crate::error::Error;
use crate::load_options::LoadOptions;
#[cfg(not(target_family = "wasm"))]
use crate::weights_file::assign_weights;

/// The file given, else the weights embedded in the program, else the weights directory.
///
/// # Errors
/// [`Error::Weights`], which says where it looked and how to come by them.
#[cfg(not(target_family = "wasm"))]
pub fn resolve_weights(backbone: &str, file: Option<&Path>) -> Result<BackboneWeights, Error> {
    if let Some(file) = file {
        return Ok(patchcore_weights::load_weights(file, backbone)?);
    }
    Ok(patchcore_weights::pretrained(backbone)?)
}

/// Whether [`resolve_weights`] finds weights without being given a file.
#[cfg(not(target_family = "wasm"))]
pub fn has_weights(backbone: &str) -> bool {
    embedded_weights(backbone).is_some() || find_weights(backbone).is_ok()
}

/// The weights for a model file that lies in `folder`, of each of its networks: those of the file that the options name, else the
/// model's own, else those of the file that the fit was given, if it is still there and the same, else as [`resolve_weights`] finds them.
///
/// # Errors
/// [`Error::Weights`], and [`Error::WhoseWeights`] for a file that may be several networks'.
pub(crate) fn weights_for(
    file: &ModelFile,
    folder: Option<&Path>,
    options: &LoadOptions,
) -> Result<NetworkWeights, Error> {
    let mut networks = networks_of(file);
    networks.retain(|network| !options.own.has(network));
    // Nothing else is said of weights where there are no files.
    #[cfg(target_family = "wasm")]
    let _ = (options, folder);
    #[cfg(not(target_family = "wasm"))]
    let given = assign_weights(&options.weights, &networks, |network| {
        let own = file.weights().is_some_and(|own| own.get(network).is_some());
        own || has_weights(network) || of_the_fit(file, network, folder).is_some()
    })?;
    let mut weights = NetworkWeights::new();
    for network in networks {
        #[cfg(not(target_family = "wasm"))]
        if let Some(path) = given.get(network) {
            weights = weights.with(network, patchcore_weights::load_weights(path, network)?);
            continue;
        }
        let own = file.weights().and_then(|own| own.get(network)).cloned();
        #[cfg(not(target_family = "wasm"))]
        let own = own.or_else(|| of_the_fit(file, network, folder));
        weights = match own {
            Some(own) => weights.with(network, own),
            None => weights.with(network, patchcore_weights::pretrained(network)?),
        };
    }
    Ok(weights)
}

/// The names of a model's networks, each once.
fn networks_of(file: &ModelFile) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for network in &file.header.networks {
        if !names.contains(&network.name.as_str()) {
            names.push(&network.name);
        }
    }
    names
}

/// The weights of the file that the fit was given for a network, where it lay then or beside the model. One that is gone, or another by
/// now, is none.
#[cfg(not(target_family = "wasm"))]
fn of_the_fit(file: &ModelFile, network: &str, folder: Option<&Path>) -> Option<BackboneWeights> {
    let sections = &file.sections;
    let place = sections.weights_files.get(network).or(sections.weights_file.as_ref())?;
    let weights = |path: PathBuf| patchcore_weights::load_weights(&path, network).ok();
    let same = |weights: &BackboneWeights| file.header.is_of(network, weights);
    crate::places::candidates(place, folder).into_iter().filter_map(weights).find(same)
}
