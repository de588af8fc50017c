//! Which training photos may show defective parts themselves: a defect in the bank makes the model blind to its kind.
//!
//! Each training photo is scored against the bank without its own rows (leave one image out, and its copies). A photo of a part like the
//! others scores low; one with something that no other photo shows scores high. Two photos with the same defect vouch
//! for each other and are not found this way. The greedy selection takes outliers first, so
//! [`AuditedPhoto::first_pick`] is a second witness.

use std::ops::ControlFlow;

use patchcore_core::memory_bank::PatchOrigin;
use patchcore_io::{Limits, NetworkInput};

use crate::error::Error;
use crate::into_photo::{IntoPhoto, Known, digest_of};
use crate::known_photos::KnownPhotos;
use crate::model::Model;
use crate::prepared::{known_length, prepared};
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
    /// Names of photos that are not among the model's training photos: they were not scored.
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
    /// [`Model::training_photos`] by their pixels, wherever they lie. A model that does not know those
    /// ([`Model::knows_its_photos`]) matches by path, else by file name where that is unique.
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
        let known = KnownPhotos::new(self);
        let mut audit = Audit { photos: Vec::new(), rejected: Vec::new(), unknown: Vec::new() };
        let photos = photos.into_iter();
        let total = known_length(&photos);
        let inputs = prepared(self.config(), limits, Known::Identity, photos);
        for (done, (name, input)) in inputs.enumerate() {
            match input {
                Err(error) => audit.rejected.push((name, error)),
                Ok(input) => match known.index_of_own(&name, &input) {
                    None => audit.unknown.push(name),
                    Some(index) => match self.score_without(index, &known, &input) {
                        Ok((score, bank_rows)) => audit.photos.push(self.audited(name, index, score, bank_rows)),
                        Err(error) => audit.rejected.push((name, error)),
                    },
                },
            }
            if progress.tell(Stage::Scoring, done + 1, total).is_break() {
                return Err(Error::Cancelled { what: "audit" });
            }
        }
        audit.rank();
        Ok(audit)
    }

    /// Scores a training photo against the bank without its rows and those of its copies, which would vouch for it; and the number
    /// of its own rows.
    fn score_without(&self, index: u32, known: &KnownPhotos, input: &NetworkInput) -> Result<(Score, usize), Error> {
        let mut others = self.threads.run(|| self.core().without_image(index))?;
        let bank_rows = self.core().bank_rows() - others.bank_rows();
        for copy in known.copies_of(index, digest_of(input)).iter().filter(|copy| **copy != index) {
            others = self.threads.run(|| others.without_image(*copy))?;
        }
        Ok((self.score_input_with(&others, input)?, bank_rows))
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
