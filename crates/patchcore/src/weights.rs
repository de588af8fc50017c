//! Where a backbone's weights come from.

use std::path::Path;

use patchcore_config::BackboneWeights;

use crate::error::Error;

/// The file given, else the weights embedded in the program, else the weights directory.
///
/// # Errors
/// [`Error::Weights`], which says where it looked and how to come by them.
pub fn resolve_weights(backbone: &str, file: Option<&Path>) -> Result<BackboneWeights, Error> {
    if let Some(file) = file {
        return Ok(patchcore_weights::load_weights(file, backbone)?);
    }
    Ok(patchcore_weights::pretrained(backbone)?)
}
