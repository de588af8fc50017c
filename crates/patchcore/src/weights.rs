//! Where a backbone's weights come from.

use std::path::Path;
#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;

use patchcore_config::BackboneWeights;
use patchcore_core::model_file::ModelFile;

use crate::error::Error;
use crate::load_options::LoadOptions;

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

/// The weights for a model file that lies in `folder`: those of the file that the options name, else the model's own, else those of
/// the file that the fit was given, if it is still there and the same, else as [`resolve_weights`] finds them.
///
/// # Errors
/// [`Error::Weights`].
pub(crate) fn weights_for(
    file: &ModelFile,
    folder: Option<&Path>,
    options: &LoadOptions,
) -> Result<BackboneWeights, Error> {
    let backbone = file.header.config.first().backbone.name();
    #[cfg(not(target_family = "wasm"))]
    if options.weights.is_some() {
        return resolve_weights(backbone, options.weights.as_deref());
    }
    // Nothing else is said of weights where there are no files.
    let _ = (options, folder);
    if let Some(own) = file.weights() {
        return Ok(own.clone());
    }
    #[cfg(not(target_family = "wasm"))]
    if let Some(weights) = of_the_fit(file, folder) {
        return Ok(weights);
    }
    Ok(patchcore_weights::pretrained(backbone)?)
}

/// The weights of the file that the fit was given, where it lay then or beside the model. One that is gone, or another by now, is none.
#[cfg(not(target_family = "wasm"))]
fn of_the_fit(file: &ModelFile, folder: Option<&Path>) -> Option<BackboneWeights> {
    let place = file.sections.weights_file.as_ref()?;
    let backbone = file.header.config.first().backbone.name();
    let weights = |path: PathBuf| patchcore_weights::load_weights(&path, backbone).ok();
    let same = |weights: &BackboneWeights| file.header.is_of(weights);
    crate::places::candidates(place, folder).into_iter().filter_map(weights).find(same)
}
