//! A model's training photos, known again: by what they show, wherever they lie and whatever they are called.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use patchcore_core::model_file::TrainingPhoto;
use patchcore_io::{NetworkInput, path_of_text};

use crate::into_photo::{Digest, digest_of};
use crate::model::Model;

/// Finds photos among those of the fit.
pub(crate) struct KnownPhotos {
    by_digest: HashMap<Digest, Vec<u32>>,
    names: Vec<String>,
    /// Of photos whose digest the model's file does not say.
    by_path: HashMap<PathBuf, u32>,
    /// Of the same photos; `None` where two of them share a file name.
    by_file_name: HashMap<OsString, Option<u32>>,
}

impl KnownPhotos {
    pub(crate) fn new(model: &Model) -> Self {
        let photos = model.training_photos();
        let mut known = Self {
            by_digest: HashMap::new(),
            names: photos.iter().map(|photo| photo.name.clone()).collect(),
            by_path: HashMap::new(),
            by_file_name: HashMap::new(),
        };
        for (index, photo) in photos.iter().enumerate() {
            known.add(model, photo, index as u32);
        }
        known
    }

    fn add(&mut self, model: &Model, photo: &TrainingPhoto, index: u32) {
        if let Some(digest) = photo.sha256 {
            self.by_digest.entry(digest).or_default().push(index);
            return;
        }
        let path = path_of_text(&photo.name);
        if let Some(file_name) = path.file_name() {
            let entry = self.by_file_name.entry(file_name.to_owned());
            entry.and_modify(|index| *index = None).or_insert(Some(index));
        }
        self.by_path.extend([(resolved(&path), index), (path, index)]);
        #[cfg(not(target_family = "wasm"))]
        self.by_path.extend(model.places_of(photo).into_iter().map(|place| (resolved(&place), index)));
        #[cfg(target_family = "wasm")]
        let _ = model;
    }

    /// Which photo of the fit this one is: of several copies the one of the same name, else the first. A photo of the fit whose
    /// digest is not known is known by its file.
    pub(crate) fn index_of(&self, name: &str, input: &NetworkInput) -> Option<u32> {
        let copies = digest_of(input).and_then(|digest| self.by_digest.get(&digest));
        let named = |index: &&u32| self.name(**index) == Some(name);
        let by_digest = copies.and_then(|copies| copies.iter().find(named).or(copies.first()));
        let file = input.photo.as_ref().and_then(|photo| photo.path.as_ref()).filter(|_| !self.by_path.is_empty());
        let by_path = || self.by_path.get(&resolved(file?));
        by_digest.or_else(by_path).copied()
    }

    /// The same for photos that are said to be the fit's: one whose digest is not known is also known by its name, and by its file
    /// name if no other one has that.
    pub(crate) fn index_of_own(&self, name: &str, input: &NetworkInput) -> Option<u32> {
        let path = path_of_text(name);
        let by_file_name = || self.by_file_name.get(path.file_name()?).copied().flatten();
        self.index_of(name, input).or_else(|| self.by_path.get(&path).copied()).or_else(by_file_name)
    }

    /// Every photo of the fit that shows the same as this one, itself among them.
    pub(crate) fn copies_of(&self, index: u32, digest: Option<Digest>) -> &[u32] {
        let copies = digest.and_then(|digest| self.by_digest.get(&digest)).map_or(&[][..], Vec::as_slice);
        if copies.contains(&index) { copies } else { &[] }
    }

    /// What the fit called a photo.
    pub(crate) fn name(&self, index: u32) -> Option<&str> {
        self.names.get(index as usize).map(String::as_str)
    }

    /// Whether the model knows of no photo.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The same file under one name, as far as the system knows.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

impl Model {
    /// Whether the model knows each of its training photos by its pixels: then they are found wherever they lie, and so are copies.
    /// If not, as in files of earlier versions and fits on prepared inputs, photos are known by their paths alone.
    pub fn knows_its_photos(&self) -> bool {
        !self.training_photos().is_empty() && self.training_photos().iter().all(|photo| photo.sha256.is_some())
    }
}
