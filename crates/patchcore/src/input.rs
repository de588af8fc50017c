//! A photo, or a file of one, as a model's network wants it.

use std::path::Path;

use patchcore_config::PatchCoreConfig;
use patchcore_io::{Limits, NetworkInput, Photo, prepare_within};

use crate::error::Error;

/// Decodes and prepares one file.
pub(crate) fn load_input(path: &Path, config: &PatchCoreConfig, limits: &Limits) -> Result<NetworkInput, Error> {
    prepare_photo(&Photo::open(path, limits)?, config)
}

/// A photo as a model's network wants it.
pub(crate) fn prepare_photo(photo: &Photo, config: &PatchCoreConfig) -> Result<NetworkInput, Error> {
    Ok(prepare_within(photo, &config.view, config.region.as_ref(), config.full_scale)?)
}
