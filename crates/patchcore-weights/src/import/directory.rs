//! Which networks there are, and where their installed weights lie: the only place of the library that reads the environment.

use std::env;
#[cfg(not(windows))]
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use patchcore_config::CATALOGUE;
use patchcore_config::backbone::NetworkEntry;

use super::error::WeightsError;

/// The catalogue's entry of that name.
///
/// # Errors
///
/// [`WeightsError::UnknownBackbone`] with the names there are.
pub fn known_network(backbone: &str) -> Result<&'static NetworkEntry, WeightsError> {
    CATALOGUE.iter().find(|network| network.name == backbone).ok_or_else(|| {
        let known: Vec<&str> = CATALOGUE.iter().map(|network| network.name).collect();
        WeightsError::UnknownBackbone { name: backbone.into(), known: known.join(", ") }
    })
}

/// The directory of installed weights: `PATCHCORE_CACHE`, else `patchcore/weights` in the user's cache directory.
///
/// `None` when neither is known, for example in a container without a home.
pub fn weights_dir() -> Option<PathBuf> {
    if let Some(dir) = env::var_os("PATCHCORE_CACHE").filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(dir));
    }
    Some(cache_dir()?.join("patchcore").join("weights"))
}

/// The user's cache directory: Windows has a call for it.
#[cfg(windows)]
fn cache_dir() -> Option<PathBuf> {
    Some(etcetera::BaseStrategy::cache_dir(&etcetera::choose_base_strategy().ok()?))
}

#[cfg(not(windows))]
fn cache_dir() -> Option<PathBuf> {
    xdg_cache_dir(env::var_os("XDG_CACHE_HOME"), env::home_dir())
}

/// The cache directory by the XDG base directory specification: an absolute `XDG_CACHE_HOME`, else `.cache` at home.
#[cfg(not(windows))]
fn xdg_cache_dir(variable: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let named = variable.map(PathBuf::from).filter(|dir| dir.is_absolute());
    named.or_else(|| Some(home.filter(|home| home.is_absolute())?.join(".cache")))
}

/// The files in `folder` that may hold the weights of `backbone`, the first that is there counts: `NAME.safetensors`,
/// which `patchcore weights fetch` writes, then, for a network that PyTorch's exporters write, `NAME.onnx`.
pub fn weights_files(folder: &Path, backbone: &str) -> Vec<PathBuf> {
    let is_exported = known_network(backbone).is_ok_and(|network| network.family.is_exported());
    let extensions: &[&str] = if is_exported { &["safetensors", "onnx"] } else { &["safetensors"] };
    extensions.iter().map(|extension| folder.join(format!("{backbone}.{extension}"))).collect()
}

/// The installed weights file of `backbone`: the first of [`weights_files`] in [`weights_dir`].
///
/// # Errors
///
/// [`WeightsError::UnknownBackbone`]; [`WeightsError::NotInstalled`] with the places that were looked at and the
/// command that installs it.
pub fn find_weights(backbone: &str) -> Result<PathBuf, WeightsError> {
    known_network(backbone)?;
    let Some(folder) = weights_dir() else {
        let looked = "PATCHCORE_CACHE, which is not set".into();
        return Err(WeightsError::NotInstalled { backbone: backbone.into(), looked });
    };
    let files = weights_files(&folder, backbone);
    files.iter().find(|path| path.is_file()).cloned().ok_or_else(|| WeightsError::not_installed(backbone, &files))
}

#[cfg(test)]
#[cfg(not(windows))]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_specification_says() {
        let of = |variable: Option<&str>, home: Option<&str>| {
            xdg_cache_dir(variable.map(OsString::from), home.map(PathBuf::from))
        };
        assert_eq!(of(Some("/caches"), Some("/home/a")), Some("/caches".into()));
        assert_eq!(of(None, Some("/home/a")), Some("/home/a/.cache".into()));
        // A relative path is invalid by the specification and ignored.
        assert_eq!(of(Some("caches"), Some("/home/a")), Some("/home/a/.cache".into()));
        assert_eq!(of(Some(""), None), None);
        assert_eq!(of(None, Some("")), None);
    }
}
