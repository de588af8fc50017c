//! Where a backbone's weights come from.

#[cfg(not(target_family = "wasm"))]
use std::path::Path;

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

/// The weights for a model file: those of the file that the options name, else the model's own, else as
/// [`resolve_weights`] finds them.
///
/// # Errors
/// [`Error::Weights`].
pub(crate) fn weights_for(file: &ModelFile, options: &LoadOptions) -> Result<BackboneWeights, Error> {
    let backbone = file.header.config.first().backbone.name();
    #[cfg(not(target_family = "wasm"))]
    if options.weights.is_some() {
        return resolve_weights(backbone, options.weights.as_deref());
    }
    // Nothing else is said of weights where there are no files.
    let _ = options;
    match file.weights() {
        Some(own) => Ok(own.clone()),
        None => Ok(patchcore_weights::pretrained(backbone)?),
    }
}
