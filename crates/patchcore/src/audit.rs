//! Which training photos may show defective parts themselves: a defect in the bank makes the model blind to its kind.
//!
//! Each training photo is scored against the bank without its own rows (leave one image out). A photo of a part like the
//! others scores low; one with something that no other photo shows scores high. Two photos with the same defect vouch
//! for each other and are not found this way. The greedy selection takes outliers first, so
//! [`AuditedPhoto::first_pick`] is a second witness.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use patchcore_core::memory_bank::PatchOrigin;
use patchcore_io::{Limits, path_of_text};

use crate::error::Error;
use crate::fit::{numbered, prepared};
use crate::into_photo::{IntoPhoto, Known, NamedPhoto};
use crate::model::Model;
use crate::progress::{Progress, Stage, Teller};
use crate::score::{NearestGood, Score};

/// Options of [`Model::audit`]. Start from [`AuditOptions::default`].
#[derive(Debug, Default)]
pub struct AuditOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
}

impl<'a> AuditOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo; [`ControlFlow::Break`] ends the audit with [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }
}

/// The training photos, the most suspicious first.
#[derive(Debug)]
#[non_exhaustive]
pub struct Audit {
    /// By falling score.
    pub photos: Vec<AuditedPhoto>,
    /// Photos that could not be read or scored, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// Names of photos that are not among the model's training photos: they were not looked at.
    pub unknown: Vec<String>,
}

/// One training photo.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedPhoto {
    /// Its name; of a file its path, as [`path_text`](crate::path_text) writes it.
    pub name: String,
    /// Its index in the fit.
    pub index: u32,
    /// The image score against the bank without its own rows, in the unit of the model's distance.
    pub score: f32,
    /// `score` over the median of all photos' scores; 1 where that is 0.
    pub ratio: f32,
    /// Centre of the worst patch in the photo: column, row.
    pub worst_at: (f64, f64),
    /// The nearest patch of another training photo.
    pub nearest_other: NearestGood,
    /// Rows of the bank that are patches of this photo.
    pub bank_rows: usize,
    /// When the selection first took a patch of this photo, from 0; `None` if it never did. (With a coreset of 100 %
    /// the rows are in the order of the photos, and this says nothing.)
    pub first_pick: Option<usize>,
}

impl Model {
    /// Ranks training photos by how little they are like the others: those of the fit, or some of them. They are matched with
    /// [`Model::training_photos`] by name, which of a file is its path; else by file name where that is unique.
    ///
    /// Cost: per photo one index of the bank and one score.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the progress callback breaks.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{AuditOptions, Model, good_images};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let audit = model.audit(good_images("good".as_ref())?, AuditOptions::default())?;
    /// for photo in audit.photos.iter().take(5) {
    ///     println!("{}: {:.2} times the median at {:?}", photo.name, photo.ratio, photo.worst_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn audit<S>(&self, photos: S, options: AuditOptions<'_>) -> Result<Audit, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let AuditOptions { limits, mut progress } = options;
        let names = TrainingNames::new(self);
        let mut audit = Audit { photos: Vec::new(), rejected: Vec::new(), unknown: Vec::new() };
        let (mut known, mut indices) = (Vec::new(), Vec::new());
        for (name, source) in numbered(photos.into_iter()) {
            match names.index_of(&name) {
                Some(index) => {
                    indices.push(index);
                    known.push(NamedPhoto { name: Some(name), source });
                }
                None => audit.unknown.push(name),
            }
        }
        for (done, ((name, input), index)) in
            prepared(self.config(), limits, Known::PixelsAlone, known.into_iter()).zip(&indices).enumerate()
        {
            let scored = input.and_then(|input| {
                let others = self.threads.run(|| self.core().without_image(*index))?;
                Ok((self.score_input_with(&others, &input)?, self.core().bank().len() - others.bank().len()))
            });
            match scored {
                Ok((score, bank_rows)) => audit.photos.push(self.audited(name, *index, score, bank_rows)),
                Err(error) => audit.rejected.push((name, error)),
            }
            if progress.tell(Stage::Scoring, done + 1, indices.len()).is_break() {
                return Err(Error::Cancelled { what: "audit" });
            }
        }
        audit.rank();
        Ok(audit)
    }

    fn audited(&self, name: String, index: u32, score: Score, bank_rows: usize) -> AuditedPhoto {
        let first_pick = |origins: &[PatchOrigin]| origins.iter().position(|origin| origin.image == index);
        AuditedPhoto {
            name,
            index,
            score: score.score,
            ratio: 1.0,
            worst_at: score.worst_at,
            nearest_other: score.nearest_good,
            bank_rows,
            first_pick: self.core().bank().origins().and_then(first_pick),
        }
    }
}

impl Audit {
    /// Sorts by falling score, equal ones by index, and fills in the ratios.
    fn rank(&mut self) {
        self.photos.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        // Without a photo there is no ratio to fill in.
        let median = self.photos.get(self.photos.len() / 2).map_or(0.0, |photo| photo.score);
        for photo in &mut self.photos {
            photo.ratio = if median > 0.0 { photo.score / median } else { 1.0 };
        }
    }
}

/// Finds a photo among the names that the fit was given.
struct TrainingNames {
    by_path: HashMap<PathBuf, u32>,
    /// `None` where two training photos share a file name.
    by_file_name: HashMap<std::ffi::OsString, Option<u32>>,
}

impl TrainingNames {
    fn new(model: &Model) -> Self {
        let (mut by_path, mut by_file_name) = (HashMap::new(), HashMap::new());
        for (index, photo) in model.training_photos().iter().enumerate() {
            let path = path_of_text(&photo.name);
            if let Some(file_name) = path.file_name() {
                let entry = by_file_name.entry(file_name.to_owned());
                entry.and_modify(|index| *index = None).or_insert(Some(index as u32));
            }
            by_path.insert(path, index as u32);
            #[cfg(not(target_family = "wasm"))]
            by_path.extend(model.places_of(photo).into_iter().map(|place| (place, index as u32)));
        }
        Self { by_path, by_file_name }
    }

    fn index_of(&self, name: &str) -> Option<u32> {
        let file = path_of_text(name);
        let by_name = || self.by_file_name.get(file.file_name()?).copied().flatten();
        self.by_path.get(&file).copied().or_else(by_name)
    }
}
