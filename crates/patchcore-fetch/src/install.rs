//! From a source to `NAME.safetensors` and `NAME.json`: fetch, verify, convert, read back, write.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::NetworkEntry;
use patchcore_weights::{
    Rounding, encode_safetensors, import_onnx, import_safetensors, import_state_dict, known_network, weights_files,
    write_whole,
};

use super::digest::{sha256_hex, sha256_of_file};
#[cfg(feature = "http")]
use super::download::{Download, Expected};
use super::error::FetchError;
use super::manifest::{FileRecord, Manifest};
use super::pth::read_pth;
use super::registry::RegistryEntry;
use super::source::Source;

/// Installs weights into a directory.
pub struct Install<'a> {
    /// Where to.
    pub directory: &'a Path,
    /// The deepest layer to keep; else the deepest of the network's default ones.
    pub last_layer: Option<&'a str>,
    /// Accept a checkpoint that is not the published one.
    pub unverified: bool,
    /// Convert even when the same is installed already.
    pub force: bool,
    /// Wait before a broken download goes on.
    pub pause: Duration,
    /// Called with the bytes so far and the total, when known.
    pub progress: &'a dyn Fn(u64, Option<u64>),
}

/// What an installation ended in.
#[derive(Debug)]
pub struct Installed {
    /// The weights file.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether it was there before.
    pub already: bool,
}

impl Installed {
    /// What was installed where and what is known of it, as lines.
    pub fn summary(&self) -> String {
        let Manifest { name, version, licence, source, last_layer, .. } = &self.manifest;
        let state = if self.already { "already installed" } else { "installed" };
        let known = match version {
            Some(version) => format!("{version}, {licence}, source sha256 {}", source.sha256),
            None => "not the published .pth: names, shapes and values were checked, not which training they come from"
                .into(),
        };
        format!("{name} {state}: {} (up to {last_layer})\n  {known}\n", self.path.display())
    }
}

/// A file that has been checked as far as its kind allows.
struct Checked {
    bytes: Vec<u8>,
    kind: Kind,
    sha256: String,
    version: Option<String>,
    /// A download to remove once it is converted.
    temporary: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pth,
    Safetensors,
    Onnx,
}

impl Install<'_> {
    /// Installs one backbone.
    ///
    /// # Errors
    ///
    /// [`FetchError`]. An earlier installation stays as it was.
    pub fn run(&self, entry: &RegistryEntry, from: Option<&str>) -> Result<Installed, FetchError> {
        let network = known_network(&entry.name)?;
        let levels = self.levels(network)?;
        if !self.force
            && from.is_none()
            && let Some(installed) = self.intact(network, levels)
        {
            return Ok(installed);
        }
        fs::create_dir_all(self.directory).map_err(|error| FetchError::file("create", self.directory, error))?;
        let source = Source::of(entry, from)?;
        let checked = self.check(entry, &source)?;
        let weights = convert(network, &source, &checked)?.restricted_to(&network.plan_of_levels(levels));
        let bytes = encode_safetensors(&weights, Rounding::None)?;
        let location = format!("{}.safetensors", entry.name);
        let path = self.directory.join(&location);
        let file = path.display().to_string();
        if import_safetensors(network, &file, &bytes)? != weights {
            return Err(FetchError::Checkpoint { file, detail: "it reads back differently".into() });
        }
        write_whole(&path, &bytes).map_err(|error| FetchError::file("write", &path, error))?;
        let manifest = Manifest {
            name: entry.name.clone(),
            version: checked.version.clone(),
            licence: entry.licence.clone(),
            source: FileRecord {
                location: source.location(),
                bytes: checked.bytes.len() as u64,
                sha256: checked.sha256.clone(),
            },
            result: FileRecord { location, bytes: bytes.len() as u64, sha256: sha256_hex(&bytes) },
            last_layer: last_layer(network, &weights).into(),
            tool: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        };
        let mut text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| FetchError::file("write", &path, std::io::Error::other(error)))?;
        text.push('\n');
        let beside = path.with_extension("json");
        write_whole(&beside, text.as_bytes()).map_err(|error| FetchError::file("write", &beside, error))?;
        if let Some(temporary) = checked.temporary {
            fs::remove_file(&temporary).map_err(|error| FetchError::file("remove", &temporary, error))?;
        }
        Ok(Installed { path, manifest, already: false })
    }

    /// How many levels of the network are kept.
    fn levels(&self, network: &NetworkEntry) -> Result<usize, FetchError> {
        let needed = network.needed_levels();
        match self.last_layer.map(|layer| (layer, depth(network, layer))) {
            None => Ok(needed),
            Some((_, levels)) if levels >= needed => Ok(levels),
            Some((layer, _)) => {
                let known = network.levels.iter().skip(needed.saturating_sub(1)).map(|level| level.name);
                let known = known.collect::<Vec<_>>().join(" or ");
                Err(FetchError::UnknownLayer { name: network.name.into(), layer: layer.into(), known })
            }
        }
    }

    /// The installation whose file the library takes, when that file is what its manifest says and deep enough. Earlier
    /// versions installed ONNX files.
    fn intact(&self, network: &NetworkEntry, levels: usize) -> Option<Installed> {
        let path = weights_files(self.directory, network.name).into_iter().find(|path| path.is_file())?;
        let manifest = Manifest::beside(&path)?;
        let deep_enough = depth(network, &manifest.last_layer) >= levels;
        let intact = deep_enough && sha256_of_file(&path).ok()? == manifest.result.sha256;
        intact.then_some(Installed { path, manifest, already: true })
    }

    /// Fetches a remote file or reads a local one, and compares it with the registry where that is possible.
    fn check(&self, entry: &RegistryEntry, source: &Source) -> Result<Checked, FetchError> {
        let name = match source {
            Source::Url(url) => url.split(['?', '#']).next().unwrap_or_default(),
            Source::File(path) => path.to_str().unwrap_or_default(),
        };
        let lower = name.to_lowercase();
        let kind = match lower.rsplit('.').next() {
            Some("pth" | "pt") => Kind::Pth,
            Some("safetensors") => Kind::Safetensors,
            Some("onnx") => Kind::Onnx,
            _ => return Err(FetchError::UnknownFormat { file: source.location() }),
        };
        // Only the checkpoint has a published digest: other containers of the same tensors hash differently.
        let verify = kind == Kind::Pth && !self.unverified;
        let (path, temporary) = match source {
            Source::File(path) => (path.clone(), None),
            Source::Url(url) => {
                let file = lower.rsplit('/').next().unwrap_or_default();
                let target = self.directory.join(format!("{}.download.{file}", entry.name));
                self.download(entry, url, verify, &target)?;
                (target.clone(), Some(target))
            }
        };
        let bytes = fs::read(&path).map_err(|error| FetchError::file("read", &path, error))?;
        let sha256 = sha256_hex(&bytes);
        let published = kind == Kind::Pth && sha256.starts_with(&entry.sha256);
        if verify && !published {
            let (name, expected) = (entry.name.clone(), entry.sha256.clone());
            return Err(FetchError::OtherCheckpoint { path, name, expected, found: sha256 });
        }
        Ok(Checked { bytes, kind, sha256, version: published.then(|| entry.version.clone()), temporary })
    }

    #[cfg(feature = "http")]
    fn download(&self, entry: &RegistryEntry, url: &str, verify: bool, target: &Path) -> Result<(), FetchError> {
        let expected = match verify {
            true => Expected { bytes: entry.bytes, sha256: entry.sha256.clone() },
            false => Expected::default(),
        };
        let download = Download { attempts: 5, pause: self.pause, progress: self.progress };
        download.fetch(url, target, &expected).map(|_| ())
    }

    #[cfg(not(feature = "http"))]
    fn download(&self, entry: &RegistryEntry, url: &str, _: bool, _: &Path) -> Result<(), FetchError> {
        Err(FetchError::NoDownloads { url: url.into(), sha256: entry.sha256.clone(), name: entry.name.clone() })
    }
}

/// The folded tensors of every level that the file has.
fn convert(network: &NetworkEntry, source: &Source, checked: &Checked) -> Result<BackboneWeights, FetchError> {
    let file = source.location();
    Ok(match checked.kind {
        Kind::Onnx => import_onnx(network, &file, &checked.bytes)?,
        Kind::Safetensors => import_safetensors(network, &file, &checked.bytes)?,
        Kind::Pth => {
            let views =
                read_pth(&checked.bytes).map_err(|detail| FetchError::Checkpoint { file: file.clone(), detail })?;
            import_state_dict(network, &file, &views)?
        }
    })
}

/// How many levels there are up to that one; 0 for one that the network does not have.
fn depth(network: &NetworkEntry, level: &str) -> usize {
    network.levels.iter().position(|known| known.name == level).map_or(0, |index| index + 1)
}

/// The deepest level whose tensors are all there.
fn last_layer(network: &NetworkEntry, weights: &BackboneWeights) -> &'static str {
    let is_whole = |count: usize| {
        let tensors = network.plan_of_levels(count).expected_tensors();
        tensors.iter().all(|(name, _)| weights.tensors.contains_key(name))
    };
    let whole = (1..).zip(network.levels).take_while(|(count, _)| is_whole(*count));
    whole.last().map_or("", |(_, level)| level.name)
}
