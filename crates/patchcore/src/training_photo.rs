//! A model's training photos, opened again to look at.

use std::path::Path;

use patchcore_io::{Geometry, Limits, Photo, path_of_text, path_text};

use crate::error::Error;
use crate::model::{Model, cell_in_photo};
use crate::score::{NearestGood, NearestPhoto};

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

    /// The training photo of a nearest good patch, opened again at the name that the fit was given.
    ///
    /// # Errors
    /// [`Error::Image`] if the photo is no longer there, [`Error::OtherPhoto`] for a name that never was a file's and a file
    /// that cannot be the photo of the fit.
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
        self.open_nearest_at(&path_of_text(name), nearest, limits)
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
        let geometry = Geometry::new(photo.name(), photo.size(), &self.core.config().view)?;
        if self.core.config().region.as_ref().is_some_and(|region| region.size != photo.size()) {
            return Err(other("it has another size than the photos of the fit"));
        }
        let grid = self.core.extractor().grid(geometry.input.height as usize, geometry.input.width as usize);
        let (row, column) = (usize::from(origin.row), usize::from(origin.column));
        if row >= grid.rows || column >= grid.columns {
            return Err(other("it is smaller than the photo of the fit"));
        }
        let at = cell_in_photo(&geometry, grid, row, column);
        Ok(NearestPhoto { photo, at, geometry })
    }
}
