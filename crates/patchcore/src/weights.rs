//! Where a backbone's weights come from.

use std::path::Path;

use patchcore_core::backbone::BackboneWeights;

use crate::error::Error;

/// The file given, else the weights embedded in the program, else the weights directory.
///
/// # Errors
/// [`Error::Weights`], which names the command that fetches them.
pub fn resolve_weights(backbone: &str, file: Option<&Path>) -> Result<BackboneWeights, Error> {
    if let Some(file) = file {
        return Ok(patchcore_weights::load_weights(file, backbone)?);
    }
    #[cfg(feature = "embed-efficientnet-lite0")]
    if backbone == crate::settings::DEFAULT_BACKBONE {
        let name = "the embedded efficientnet_lite0.safetensors";
        return Ok(patchcore_weights::load_safetensors(backbone, name, patchcore_assets::EFFICIENTNET_LITE0)?);
    }
    Ok(patchcore_weights::pretrained(backbone)?)
}
