//! What `--from` may name, and which file of it is meant for a backbone.

use std::fs;
use std::path::{Path, PathBuf};

use super::registry::RegistryEntry;

use super::error::FetchError;

/// Where a backbone's weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Url(String),
    /// A file on this machine.
    File(PathBuf),
}

impl Source {
    /// The published address without `from`; else the file or address that `from` means for this backbone.
    ///
    /// An address that ends in `/` is a mirror with the published file names; any other address is the file itself.
    ///
    /// # Errors
    ///
    /// [`FetchError::NotInFolder`]; [`FetchError::File`] for a folder that cannot be listed.
    pub fn of(entry: &RegistryEntry, from: Option<&str>) -> Result<Self, FetchError> {
        let published = entry.url.rsplit('/').next().unwrap_or_default();
        let Some(from) = from else { return Ok(Self::Url(entry.url.clone())) };
        if from.starts_with("http://") || from.starts_with("https://") {
            let url = if from.ends_with('/') { format!("{from}{published}") } else { from.to_owned() };
            return Ok(Self::Url(url));
        }
        let path = PathBuf::from(from);
        if !path.is_dir() {
            return Ok(Self::File(path));
        }
        in_folder(&path, &entry.name, published).map(Self::File)
    }

    /// The address or path as text.
    pub fn location(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// The published file, else `NAME.EXT` in the order of the extensions, else the first of `NAME-*.EXT` by alphabet.
fn in_folder(folder: &Path, name: &str, published: &str) -> Result<PathBuf, FetchError> {
    const EXTENSIONS: [&str; 3] = ["pth", "safetensors", "onnx"];
    let exact = std::iter::once(published.to_owned()).chain(EXTENSIONS.map(|extension| format!("{name}.{extension}")));
    if let Some(found) = exact.map(|file| folder.join(file)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let listing = fs::read_dir(folder).map_err(|error| FetchError::file("list", folder, error))?;
    let mut paths: Vec<PathBuf> = listing.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    let fits = |path: &PathBuf| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')) && EXTENSIONS.contains(&extension)
    };
    paths.into_iter().find(fits).ok_or_else(|| FetchError::NotInFolder {
        name: name.into(),
        folder: folder.into(),
        expected: format!("{published}, or {name}.EXT or {name}-*.EXT where EXT is {}", EXTENSIONS.join(", ")),
    })
}
