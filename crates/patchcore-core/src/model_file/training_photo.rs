//! The training photos of a model, by name, path and the digest of their pixels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::raw_section::Section;
use super::tensor::{Tensor, Tensors};
use crate::error::{ModelFileError, malformed};

/// A photo of the fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainingPhoto {
    /// Its name for people, as the fit was given it.
    pub name: String,
    /// Where it lay at the fit; `None` for what never was a file, and where the fit was not to tell.
    pub path: Option<StoredPath>,
    /// SHA-256 of its pixels, decoded and upright, before any resize: `Photo::sha256` of `patchcore-io`. `None` where it is not known.
    pub sha256: Option<[u8; 32]>,
}

/// Where a file lay: bytes of a path, which on Unix need not be text. Elsewhere they are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredPath {
    /// The absolute path.
    pub absolute: Vec<u8>,
    /// The path from the model file's folder; empty where there is none.
    pub relative: Vec<u8>,
}

/// The names, which are text; paths and digests are tensors.
#[derive(Serialize, Deserialize)]
struct Names {
    names: Vec<String>,
}

/// No digest.
const UNKNOWN: [u8; 32] = [0; 32];

/// The section of these photos.
pub(super) fn encode(photos: &[TrainingPhoto]) -> Section {
    let names: Vec<&str> = photos.iter().map(|photo| photo.name.as_str()).collect();
    let mut tensors = Tensors::new();
    let digests = photos.iter().flat_map(|photo| photo.sha256.unwrap_or(UNKNOWN)).collect();
    let digests = Tensor { shape: vec![photos.len(), UNKNOWN.len()], ..Tensor::of_bytes(digests) };
    tensors.insert("sha256".to_owned(), digests);
    if photos.iter().any(|photo| photo.path.is_some()) {
        put_paths(photos.iter().map(|photo| photo.path.as_ref()), &mut tensors);
    }
    Section { json: json!({ "names": names }), tensors }
}

/// The photos of a section.
pub(super) fn decode(section: &Section) -> Result<Vec<TrainingPhoto>, ModelFileError> {
    let Names { names } = Names::deserialize(&section.json).map_err(malformed)?;
    let digests = section.tensor("sha256")?;
    if digests.shape != [names.len(), UNKNOWN.len()] {
        return Err(malformed(format!("{} photos, but digests of shape {:?}", names.len(), digests.shape)));
    }
    let (digests, _) = digests.u8_values("sha256")?.as_chunks::<32>();
    let paths = if section.tensors.contains_key("absolute") { get_paths(section)? } else { vec![None; names.len()] };
    if paths.len() != names.len() {
        return Err(malformed(format!("{} photos, but {} paths", names.len(), paths.len())));
    }
    let photos = names.into_iter().zip(digests).zip(paths);
    let photo = |((name, digest), path): ((String, &[u8; 32]), Option<StoredPath>)| TrainingPhoto {
        name,
        path,
        sha256: Some(*digest).filter(|digest| *digest != UNKNOWN),
    };
    Ok(photos.map(photo).collect())
}

/// The section of one file's path.
pub(super) fn encode_path(path: &StoredPath) -> Section {
    let mut tensors = Tensors::new();
    put_paths(std::iter::once(Some(path)), &mut tensors);
    Section { json: Value::Object(serde_json::Map::new()), tensors }
}

/// The path of such a section.
pub(super) fn decode_path(section: &Section) -> Result<Option<StoredPath>, ModelFileError> {
    match get_paths(section)?.as_mut_slice() {
        [path] => Ok(path.take()),
        paths => Err(malformed(format!("{} paths, expected one", paths.len()))),
    }
}

/// The section of paths that have names.
pub(super) fn encode_named_paths(paths: &BTreeMap<String, StoredPath>) -> Section {
    let mut tensors = Tensors::new();
    put_paths(paths.values().map(Some), &mut tensors);
    Section { json: json!({ "names": paths.keys().collect::<Vec<_>>() }), tensors }
}

/// The paths of such a section, by their names.
pub(super) fn decode_named_paths(section: &Section) -> Result<BTreeMap<String, StoredPath>, ModelFileError> {
    let Names { names } = Names::deserialize(&section.json).map_err(malformed)?;
    let paths = get_paths(section)?;
    if paths.len() != names.len() {
        return Err(malformed(format!("{} names, but {} paths", names.len(), paths.len())));
    }
    Ok(names.into_iter().zip(paths).filter_map(|(name, path)| Some((name, path?))).collect())
}

/// Two lists of byte strings: all bytes one after the other, and where each ends.
fn put_paths<'a>(paths: impl Iterator<Item = Option<&'a StoredPath>> + Clone, tensors: &mut Tensors) {
    let mut put = |name: &str, strings: &mut dyn Iterator<Item = &[u8]>| {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for string in strings {
            bytes.extend_from_slice(string);
            ends.push(bytes.len() as u64);
        }
        tensors.insert(name.to_owned(), Tensor::of_bytes(bytes));
        tensors.insert(format!("{name}_ends"), Tensor::of_u64(&ends));
    };
    put("absolute", &mut paths.clone().map(|path| path.map_or(&[][..], |path| &path.absolute)));
    put("relative", &mut paths.map(|path| path.map_or(&[][..], |path| &path.relative)));
}

fn get_paths(section: &Section) -> Result<Vec<Option<StoredPath>>, ModelFileError> {
    let list = |name: &str| -> Result<Vec<Vec<u8>>, ModelFileError> {
        let bytes = section.tensor(name)?.u8_values(name)?;
        let ends = format!("{name}_ends");
        let ends = section.tensor(&ends)?.u64_values(&ends)?;
        let mut from = 0;
        let strings = ends.into_iter().map(|end| {
            let end = usize::try_from(end).ok();
            let string = end.and_then(|end| bytes.get(from..end));
            from = end.unwrap_or(from);
            string.map(<[u8]>::to_vec).ok_or_else(|| malformed(format!("`{name}_ends` point outside `{name}`")))
        });
        strings.collect()
    };
    let (absolute, relative) = (list("absolute")?, list("relative")?);
    if absolute.len() != relative.len() {
        return Err(malformed(format!("{} absolute paths, {} relative ones", absolute.len(), relative.len())));
    }
    let path = |(absolute, relative): (Vec<u8>, Vec<u8>)| {
        let told = !absolute.is_empty() || !relative.is_empty();
        told.then_some(StoredPath { absolute, relative })
    };
    Ok(absolute.into_iter().zip(relative).map(path).collect())
}
