//! What a photo may be given as: everything that fits, scores, calibrates and audits takes is one of these.

#[cfg(not(target_family = "wasm"))]
use std::path::{Path, PathBuf};

use patchcore_config::PatchCoreConfig;
#[cfg(not(target_family = "wasm"))]
use patchcore_io::path_text;
use patchcore_io::{Geometry, Limits, NetworkInput, Photo, PixelBuffer, SharedBytes, prepare_within};

use crate::error::Error;
use crate::span::enter;

/// Something that is a photo, or leads to one: a [`Photo`], a path, a camera's [`PixelBuffer`], an `image::DynamicImage`, a
/// prepared [`NetworkInput`]; each of them also with a name in front, or as a `Result` that may hold an error instead.
///
/// ```
/// use patchcore::{Error, IntoPhoto, Photo, PixelBuffer, PixelFormat};
///
/// let frame = [128; 64 * 48];
/// let buffer = PixelBuffer { data: &frame, width: 64, height: 48, stride: 64, format: PixelFormat::Gray8 };
/// let named = ("camera 2, frame 17", Photo::from_buffer(&buffer)).into_photo();
/// assert_eq!(named.name.as_deref(), Some("camera 2, frame 17"));
/// assert!(named.source.is_ok());
/// ```
pub trait IntoPhoto {
    /// Its name, and where its pixels are.
    fn into_photo(self) -> NamedPhoto;
}

/// A photo on its way.
#[derive(Debug)]
pub struct NamedPhoto {
    /// What reports and the model call it: of a file the path, as [`path_text`](crate::path_text) writes it. `None`: its number
    /// in the source, `photo 0`.
    pub name: Option<String>,
    /// Where its pixels are, or why there are none.
    pub source: Result<PhotoSource, Error>,
}

/// Where a photo's pixels are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PhotoSource {
    /// In memory.
    Photo(Photo),
    /// In a file, which is decoded ahead on another thread.
    #[cfg(not(target_family = "wasm"))]
    Path(PathBuf),
    /// The bytes of a file, which are decoded ahead on another thread.
    Encoded {
        /// What the errors of its decoder call it.
        name: String,
        /// The bytes.
        bytes: SharedBytes,
    },
    /// Resized and cropped already, by [`Model::prepare`](crate::Model::prepare) or [`prepare`](patchcore_io::prepare).
    Input(NetworkInput),
}

impl PhotoSource {
    /// What it holds in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Photo(photo) => photo_bytes(photo),
            #[cfg(not(target_family = "wasm"))]
            Self::Path(_) => 0,
            Self::Encoded { bytes, .. } => bytes.len(),
            Self::Input(input) => input_bytes(input),
        }
    }

    /// The photo itself, decoded where it is a file.
    pub(crate) fn open(self, name: &str, limits: &Limits) -> Result<Photo, Error> {
        match self {
            Self::Photo(photo) => Ok(photo),
            #[cfg(not(target_family = "wasm"))]
            Self::Path(path) => {
                enter!("decode");
                Ok(Photo::open(&path, limits)?)
            }
            Self::Encoded { name, bytes } => {
                enter!("decode");
                Ok(Photo::decode(&name, &bytes, limits)?)
            }
            Self::Input(_) => Err(Error::PreparedPhoto { name: name.to_owned() }),
        }
    }

    /// The photo as a model's network wants it.
    pub(crate) fn prepare(
        self,
        config: &PatchCoreConfig,
        limits: &Limits,
        known: Known,
    ) -> Result<NetworkInput, Error> {
        let prepare = |photo: &Photo| {
            let input = prepare_photo(photo, config)?;
            Ok(match known {
                Known::PixelsAlone => input,
                Known::Identity => input.with_identity(photo),
            })
        };
        self.prepare_by(limits, prepare, |_| ()).map(|(input, _)| input)
    }

    /// The photo as a model's network wants it, and the photo itself, on the scale of the configuration; no photo where the input was
    /// prepared already.
    pub(crate) fn prepare_and_keep(
        self,
        config: &PatchCoreConfig,
        limits: &Limits,
    ) -> Result<(NetworkInput, Option<Photo>), Error> {
        let keep = |photo: Photo| match config.full_scale {
            Some(white) => photo.with_full_scale(white),
            None => photo,
        };
        self.prepare_by(limits, |photo| prepare_photo(photo, config), keep)
    }

    fn prepare_by<T>(
        self,
        limits: &Limits,
        prepare: impl Fn(&Photo) -> Result<NetworkInput, Error>,
        keep: impl Fn(Photo) -> T,
    ) -> Result<(NetworkInput, Option<T>), Error> {
        let prepared = |photo: Photo| Ok((prepare(&photo)?, Some(keep(photo))));
        match self {
            Self::Photo(photo) => prepared(photo),
            #[cfg(not(target_family = "wasm"))]
            Self::Path(path) => {
                enter!("decode");
                prepared(Photo::open(&path, limits)?)
            }
            Self::Encoded { name, bytes } => {
                enter!("decode");
                prepared(Photo::decode(&name, &bytes, limits)?)
            }
            Self::Input(input) => Ok((input, None)),
        }
    }
}

/// What a photo holds in memory, in bytes.
pub(crate) fn photo_bytes(photo: &Photo) -> usize {
    let samples = photo.width() as usize * photo.height() as usize * photo.channels();
    let alpha = if photo.has_transparency() { samples / photo.channels() } else { 0 };
    (samples + alpha) * photo.bits_per_sample() as usize / 8
}

/// What is kept of a photo beside the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    PixelsAlone,
    /// Which photo it was, for which all its pixels are read: fits know their photos again.
    Identity,
}

/// What a prepared photo holds in memory, in bytes.
pub(crate) fn input_bytes(input: &NetworkInput) -> usize {
    input.data.len() * size_of::<f32>() + input.inside.as_ref().map_or(0, Vec::len)
}

/// SHA-256 of a photo's pixels.
pub(crate) type Digest = [u8; 32];

/// The digest of a prepared photo, if whoever prepared it has kept it.
pub(crate) fn digest_of(input: &NetworkInput) -> Option<Digest> {
    input.photo.as_ref().map(|photo| photo.sha256)
}

/// A photo as a model's network wants it.
pub(crate) fn prepare_photo(photo: &Photo, config: &PatchCoreConfig) -> Result<NetworkInput, Error> {
    // Before the pixels are touched: a strip of one row may be enlarged to a lot of them.
    Geometry::new(photo.name(), photo.size(), &config.view)?.check_enlargement(photo.name())?;
    Ok(prepare_within(photo, &config.view, config.region.as_ref(), config.full_scale)?)
}

impl IntoPhoto for NamedPhoto {
    fn into_photo(self) -> NamedPhoto {
        self
    }
}

impl IntoPhoto for PhotoSource {
    fn into_photo(self) -> NamedPhoto {
        let name = match &self {
            #[cfg(not(target_family = "wasm"))]
            Self::Path(path) => Some(path_text(path)),
            Self::Encoded { name, .. } => Some(name.clone()),
            _ => None,
        };
        NamedPhoto { name, source: Ok(self) }
    }
}

impl IntoPhoto for Photo {
    fn into_photo(self) -> NamedPhoto {
        PhotoSource::Photo(self).into_photo()
    }
}

/// Copies the photo.
impl IntoPhoto for &Photo {
    fn into_photo(self) -> NamedPhoto {
        self.clone().into_photo()
    }
}

/// Copies the pixels.
impl IntoPhoto for PixelBuffer<'_> {
    fn into_photo(self) -> NamedPhoto {
        Photo::from_buffer(&self).into_photo()
    }
}

#[cfg(feature = "image")]
impl IntoPhoto for image::DynamicImage {
    fn into_photo(self) -> NamedPhoto {
        Photo::from_dynamic(self).into_photo()
    }
}

impl IntoPhoto for NetworkInput {
    fn into_photo(self) -> NamedPhoto {
        PhotoSource::Input(self).into_photo()
    }
}

/// Copies the input.
impl IntoPhoto for &NetworkInput {
    fn into_photo(self) -> NamedPhoto {
        self.clone().into_photo()
    }
}

#[cfg(not(target_family = "wasm"))]
impl IntoPhoto for PathBuf {
    fn into_photo(self) -> NamedPhoto {
        PhotoSource::Path(self).into_photo()
    }
}

#[cfg(not(target_family = "wasm"))]
impl IntoPhoto for &PathBuf {
    fn into_photo(self) -> NamedPhoto {
        self.clone().into_photo()
    }
}

#[cfg(not(target_family = "wasm"))]
impl IntoPhoto for &Path {
    fn into_photo(self) -> NamedPhoto {
        self.to_owned().into_photo()
    }
}

/// A photo that may have failed to load.
impl<P: IntoPhoto, E: Into<Error>> IntoPhoto for Result<P, E> {
    fn into_photo(self) -> NamedPhoto {
        match self {
            Ok(photo) => photo.into_photo(),
            Err(error) => NamedPhoto { name: None, source: Err(error.into()) },
        }
    }
}

/// A photo with its name.
impl<N: Into<String>, P: IntoPhoto> IntoPhoto for (N, P) {
    fn into_photo(self) -> NamedPhoto {
        NamedPhoto { name: Some(self.0.into()), ..self.1.into_photo() }
    }
}
