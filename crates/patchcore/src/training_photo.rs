//! A model's training photos, opened again to look at.

#[cfg(feature = "jpeg")]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
#[cfg(feature = "jpeg")]
use std::sync::Arc;

use patchcore_config::Size;
use patchcore_core::model_file::{Thumbnail, TrainingPhoto};
use patchcore_io::{Geometry, Limits, Photo, path_of_text, path_text};

use crate::error::Error;
use crate::model::{Model, cell_in_photo};
use crate::places::candidates;
use crate::score::{NearestGood, NearestPhoto};

/// Short side of a kept picture: what the network sees of a photo, as a rule.
#[cfg(feature = "jpeg")]
const THUMBNAIL: u32 = 256;

impl Model {
    /// Opens a photo to look at, 16-bit samples on the scale that the model was fitted with.
    ///
    /// # Errors
    /// [`Error::Image`].
    pub fn open_photo(&self, path: impl AsRef<Path>, limits: &Limits) -> Result<Photo, Error> {
        let photo = Photo::open(path.as_ref(), limits)?;
        Ok(match self.core.config().full_scale {
            Some(white) => photo.with_full_scale(white),
            None => photo,
        })
    }

    /// The training photo of a nearest good patch, opened again: at the name that the fit was given, where it lay then, or where it
    /// lies now as seen from the model's file. A photo is the one of the fit if its pixels have the digest that the model knows.
    ///
    /// # Errors
    /// [`Error::Image`] if the photo is in none of these places, [`Error::OtherPhoto`] for a name that never was a file's and a file
    /// that is not the photo of the fit.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{Limits, Model, Photo};
    ///
    /// let model = Model::load("flange.patchcore")?;
    /// let score = model.score(&Photo::open("frame.png".as_ref(), &Limits::default())?)?;
    /// let good = model.open_nearest(&score.nearest_good, &Limits::default())?;
    /// println!("{:?} was compared with {} at {:?}", score.worst_at, good.photo.name(), good.at);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_nearest(&self, nearest: &NearestGood, limits: &Limits) -> Result<NearestPhoto, Error> {
        let Some(name) = &nearest.image else {
            let reason = "the fit was not told the names of its photos";
            return Err(Error::OtherPhoto { name: "the training photo".to_owned(), reason });
        };
        let photo = nearest.origin.and_then(|origin| self.training_photos().get(origin.image as usize));
        let places = photo.into_iter().flat_map(|photo| self.places_of(photo));
        let mut first = None;
        for place in std::iter::once(path_of_text(name)).chain(places) {
            match self.open_nearest_at(&place, nearest, limits) {
                Ok(found) => return Ok(found),
                // That it lay there as the fit was told is what the user wants to know.
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        // Where the photo itself is not there, or is another one now, the model may have a small picture of it.
        let kept =
            nearest.origin.and_then(|origin| self.sections.thumbnails.iter().find(|kept| kept.image == origin.image));
        if let Some(kept) = kept {
            return self.open_thumbnail(kept, name, nearest, limits);
        }
        Err(first.unwrap_or_else(|| unreachable!("the photo's name was tried")))
    }

    /// The small picture that the model keeps of a photo, and the patch in it.
    fn open_thumbnail(
        &self,
        kept: &Thumbnail,
        name: &str,
        nearest: &NearestGood,
        limits: &Limits,
    ) -> Result<NearestPhoto, Error> {
        let photo = Photo::decode(name, &kept.jpeg, limits)?;
        let original = Size { width: kept.size.0, height: kept.size.1 };
        // Places of the input as they lie in the small picture.
        let geometry = Geometry { original: photo.size(), ..Geometry::new(name, original, &self.core.config().view)? };
        let at = self.place_of(nearest, &geometry);
        let other = |reason| Error::OtherPhoto { name: name.to_owned(), reason };
        Ok(NearestPhoto {
            photo,
            at: at.ok_or_else(|| other("the model's picture of it is too small"))?,
            geometry,
            is_thumbnail: true,
        })
    }

    /// Where a nearest good patch lies in its photo: column, row; `None` for a photo with fewer cells.
    fn place_of(&self, nearest: &NearestGood, geometry: &Geometry) -> Option<(f64, f64)> {
        let origin = nearest.origin?;
        let grid = self.core.extractor().grid(geometry.input.height as usize, geometry.input.width as usize);
        let (row, column) = (usize::from(origin.row), usize::from(origin.column));
        (row < grid.rows && column < grid.columns).then(|| cell_in_photo(geometry, grid, row, column))
    }

    /// The same model with small pictures of those training photos that have rows in a bank, each of a short side of 256 pixels at most:
    /// then [`Model::open_nearest`] has something to show on a computer that has not got the photos. The photos are opened again. A
    /// picture takes some 20 KB of the model's file.
    ///
    /// # Errors
    /// As [`Model::open_nearest`], of the first photo that is not found.
    #[cfg(feature = "jpeg")]
    pub fn with_thumbnails(mut self, limits: &Limits) -> Result<Self, Error> {
        let in_banks: BTreeSet<u32> = self
            .banks()
            .iter()
            .flat_map(|bank| bank.origins().unwrap_or_default())
            .map(|origin| origin.image)
            .collect();
        let photos = self.training_photos();
        let mut thumbnails = Vec::new();
        for image in in_banks {
            let Some(known) = photos.get(image as usize) else { continue };
            let path = self.file_of(known);
            let photo = self.open_photo(&path, limits)?;
            if known.sha256.is_some_and(|known| known != photo.sha256()) {
                let reason = "its pixels are others than at the fit";
                return Err(Error::OtherPhoto { name: path_text(&path), reason });
            }
            let size = (photo.width(), photo.height());
            thumbnails.push(Thumbnail { image, size, jpeg: photo.thumbnail(THUMBNAIL)? });
        }
        Arc::make_mut(&mut self.sections).thumbnails = thumbnails;
        Ok(self)
    }

    /// Where a training photo may lie now, the likeliest place first.
    pub(crate) fn places_of(&self, photo: &TrainingPhoto) -> Vec<PathBuf> {
        photo.path.as_ref().map_or_else(Vec::new, |place| candidates(place, self.folder.as_deref()))
    }

    /// The training photos' files, each where it is found now: where it lay at the fit, as seen from the model's file, or at the name that
    /// the fit was given. Where these are several files, it is the one whose pixels have the digest that the model knows, if one has.
    /// One that is nowhere is named as the fit was told.
    pub fn training_files(&self) -> Vec<PathBuf> {
        self.training_photos().iter().map(|photo| self.file_of(photo)).collect()
    }

    fn file_of(&self, photo: &TrainingPhoto) -> PathBuf {
        let name = path_of_text(&photo.name);
        let mut files: Vec<(PathBuf, PathBuf)> = Vec::new();
        for place in self.places_of(photo).into_iter().chain([name.clone()]).filter(|place| place.is_file()) {
            let resolved = place.canonicalize().unwrap_or_else(|_| place.clone());
            if files.iter().all(|(_, other)| *other != resolved) {
                files.push((place, resolved));
            }
        }
        let shows = |place: &Path| {
            let digest = Photo::open(place, &Limits::default()).ok().map(|found| found.sha256());
            digest.is_some() && digest == photo.sha256
        };
        let right = if files.len() > 1 { files.iter().position(|(place, _)| shows(place)) } else { None };
        match files.into_iter().nth(right.unwrap_or(0)) {
            Some((place, _)) => place,
            None => name,
        }
    }

    /// [`Model::open_nearest`] for a photo that now lies elsewhere.
    ///
    /// # Errors
    /// As [`Model::open_nearest`].
    pub fn open_nearest_at(&self, path: &Path, nearest: &NearestGood, limits: &Limits) -> Result<NearestPhoto, Error> {
        let other = |reason| Error::OtherPhoto { name: path_text(path), reason };
        if path.as_os_str().is_empty() {
            return Err(other("the fit was not told the names of its photos"));
        }
        let Some(origin) = nearest.origin else {
            return Err(other("the model's bank comes from elsewhere and does not say which photo its rows are of"));
        };
        let photo = self.open_photo(path, limits)?;
        let known = self.training_photos().get(origin.image as usize).and_then(|photo| photo.sha256);
        if known.is_some_and(|known| known != photo.sha256()) {
            return Err(other("its pixels are others than at the fit"));
        }
        let geometry = Geometry::new(photo.name(), photo.size(), &self.core.config().view)?;
        if self.core.config().region.as_ref().is_some_and(|region| region.size != photo.size()) {
            return Err(other("it has another size than the photos of the fit"));
        }
        let at = self.place_of(nearest, &geometry).ok_or_else(|| other("it is smaller than the photo of the fit"))?;
        Ok(NearestPhoto { photo, at, geometry, is_thumbnail: false })
    }
}
