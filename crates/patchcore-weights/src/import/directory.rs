//! Where installed weights lie: the only place of the library that reads the environment.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::error::WeightsError;
use super::known_backbones;

/// The directory of installed weights: `PATCHCORE_CACHE`, else `patchcore/weights` in the user's cache directory.
///
/// `None` when neither is known, for example in a container without a home.
pub fn weights_dir() -> Option<PathBuf> {
    if let Some(dir) = env::var_os("PATCHCORE_CACHE").filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(dir));
    }
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.cache_dir().join("patchcore").join("weights"))
}

/// The installed weights file of `backbone`: `NAME.onnx` or `NAME.safetensors` in [`weights_dir`].
///
/// # Errors
///
/// [`WeightsError::UnknownBackbone`]; [`WeightsError::NotInstalled`] with the places that were looked at and the
/// command that installs it.
pub fn find_weights(backbone: &str) -> Result<PathBuf, WeightsError> {
    if !known_backbones().contains(&backbone) {
        let known = known_backbones().join(", ");
        return Err(WeightsError::UnknownBackbone { name: backbone.into(), known });
    }
    let mut looked = Vec::new();
    if let Some(dir) = weights_dir() {
        for extension in ["onnx", "safetensors"] {
            let path = dir.join(format!("{backbone}.{extension}"));
            if path.is_file() {
                return Ok(path);
            }
            looked.push(path.display().to_string());
        }
    } else {
        looked.push("PATCHCORE_CACHE, which is not set".into());
    }
    Err(WeightsError::NotInstalled { backbone: backbone.into(), looked: looked.join(" and ") })
}
