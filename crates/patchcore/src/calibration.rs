//! Thresholds for a model: from photos of good parts alone, with a promise; or chosen.
//!
//! What is promised, and when, is in [`patchcore_metrics::threshold`]. Two ways give scores of good photos that are not those
//! of the fit: photos that the model has not seen, or the training photos, each scored by a model that was fitted without its
//! fold ([`CalibrateOptions::cross_fit`]).

#[cfg(not(target_family = "wasm"))]
use std::collections::HashSet;
use std::ops::ControlFlow;
#[cfg(not(target_family = "wasm"))]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use patchcore_io::Limits;
use patchcore_metrics::threshold::{GoodScoreSource, Thresholds, calibrate};

use crate::error::Error;
use crate::fit::{FitParts, WhatFails, known_length, numbered, prepared};
use crate::into_photo::{IntoPhoto, Known, PhotoSource};
use crate::model::Model;
#[cfg(not(target_family = "wasm"))]
use crate::model::write_model_file;
use crate::progress::{Progress, Stage, Teller};
use crate::remarks::Remarks;
use crate::scores::InBatches;

/// What a caller cancels here.
const CALIBRATION: &str = "calibration";

/// Options of [`Model::calibrate`]. Start from [`CalibrateOptions::default`].
#[derive(Debug, Default)]
pub struct CalibrateOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
    folds: Option<usize>,
}

impl<'a> CalibrateOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo, and of a cross-fit's fits; [`ControlFlow::Break`] ends the calibration with
    /// [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// The photos are those of the fit: for every one of so many runs of consecutive photos, fit on all others with the
    /// model's own settings and score that run. Consecutive photos, because neighbours in a series are often the same part.
    ///
    /// The scores are those of other models, fitted on fewer photos: [`GoodScoreSource::CrossFitted`]. Cost: as many fits.
    #[must_use]
    pub fn cross_fit(mut self, folds: usize) -> Self {
        self.folds = Some(folds);
        self
    }
}

/// What a photo of a good part scored.
#[derive(Debug, Clone, PartialEq)]
pub struct GoodScore {
    /// The photo.
    pub image: String,
    /// Its image score.
    pub score: f32,
    /// The largest score of its anomaly map.
    pub map_max: f32,
}

/// Scores of good photos that have not made the model which scored them.
#[derive(Debug)]
#[non_exhaustive]
pub struct CalibrationReport {
    /// One entry per photo, in their order.
    pub scores: Vec<GoodScore>,
    /// Where the scores come from.
    pub source: GoodScoreSource,
    /// Photos that could not be used, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// What is odd about those that were scored.
    pub remarks: Remarks,
}

impl Model {
    /// The thresholds; none before a calibration.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The same model with other thresholds.
    ///
    /// # Errors
    /// [`Error::WrongThreshold`] for a value that is not finite.
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Result<Self, Error> {
        check_thresholds(&thresholds)?;
        self.thresholds = thresholds;
        Ok(self)
    }

    /// Scores photos of good parts that have not made the model which scores them, for thresholds with a promise:
    /// [`CalibrationReport::thresholds`]. One that cannot be read is reported and left out.
    ///
    /// # Errors
    /// [`Error::TrainingPhoto`] when a file is among the training photos (the same file; copies are not found out) and it is no
    /// cross-fit; [`Error::WrongFolds`]; [`Error::Cancelled`] when the progress callback breaks; of a cross-fit whatever a fit
    /// may fail with.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{CalibrateOptions, Model, good_images};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let held_out = good_images("photos_of_good_parts_not_in_the_fit".as_ref())?;
    /// let report = model.calibrate(held_out, CalibrateOptions::default())?;
    /// let thresholds = report.thresholds(0.05, 0.95)?; // needs 59 photos
    /// patchcore::store_thresholds("part.patchcore", thresholds)?;
    /// let model = model.with_thresholds(thresholds)?;
    /// # drop(model);
    /// # Ok(())
    /// # }
    /// ```
    pub fn calibrate<S>(&self, photos: S, options: CalibrateOptions<'_>) -> Result<CalibrationReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let CalibrateOptions { limits, mut progress, folds } = options;
        match folds {
            None => self.score_held_out(photos, limits, &mut progress),
            Some(folds) => self.cross_fit(photos, folds, limits, &mut progress),
        }
    }

    fn score_held_out<S>(
        &self,
        photos: S,
        limits: Limits,
        progress: &mut Teller<'_>,
    ) -> Result<CalibrationReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        // All of them are looked at before the first one is scored.
        let photos: Vec<(String, Result<PhotoSource, Error>)> = numbered(photos.into_iter()).collect();
        #[cfg(not(target_family = "wasm"))]
        self.refuse_own_photos(&photos)?;
        let mut report = CalibrationReport::new(GoodScoreSource::HeldOut);
        self.add_good_scores(photos.into_iter(), limits, &mut report, progress)?;
        Ok(report)
    }

    /// A file that the model was fitted on has no say.
    #[cfg(not(target_family = "wasm"))]
    fn refuse_own_photos(&self, photos: &[(String, Result<PhotoSource, Error>)]) -> Result<(), Error> {
        // The same file under one name, as far as the system knows.
        let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let photos_of_fit = self.training_photos().iter();
        let seen: HashSet<PathBuf> =
            photos_of_fit.map(|photo| resolved(&patchcore_io::path_of_text(&photo.name))).collect();
        let own = |source: &Result<PhotoSource, Error>| matches!(source, Ok(PhotoSource::Path(path)) if seen.contains(&resolved(path)));
        match photos.iter().find(|(_, source)| own(source)) {
            Some((name, _)) => Err(Error::TrainingPhoto { photo: name.clone() }),
            None => Ok(()),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "folds cut the photos: their bounds lie between 0 and the number")]
    fn cross_fit<S>(
        &self,
        photos: S,
        folds: usize,
        limits: Limits,
        progress: &mut Teller<'_>,
    ) -> Result<CalibrationReport, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let source = GoodScoreSource::CrossFitted { folds };
        let mut report = CalibrationReport::new(source);
        let mut usable: Vec<(String, PhotoSource)> = Vec::new();
        for (name, source) in numbered(photos.into_iter()) {
            match source {
                Ok(source) => usable.push((name, source)),
                Err(error) => report.rejected.push((name, error)),
            }
        }
        let count = usable.len();
        if folds < 2 || folds > count {
            return Err(Error::WrongFolds { folds, photos: count });
        }
        for fold in 0..folds {
            let bounds = fold * count / folds..(fold + 1) * count / folds;
            let (first, last) = (&usable[..bounds.start], &usable[bounds.end..]);
            let parts = FitParts {
                config: self.config().clone(),
                weights: Arc::clone(&self.weights),
                weights_file: None,
                device: self.device(),
                threads: self.threads.clone(),
                inputs: prepared(self.config(), limits, Known::PixelsAlone, first.iter().chain(last).cloned()),
                total: count - bounds.len(),
                what_fails: WhatFails::IsReported,
            };
            let fit = parts.fit(progress).map_err(|error| error.of_whole(CALIBRATION))?;
            let left_out = usable[bounds].iter().cloned();
            fit.model.add_good_scores(left_out, limits, &mut report, progress)?;
        }
        Ok(report)
    }

    fn add_good_scores<P: IntoPhoto>(
        &self,
        photos: impl Iterator<Item = P>,
        limits: Limits,
        report: &mut CalibrationReport,
        progress: &mut Teller<'_>,
    ) -> Result<(), Error> {
        let total = known_length(&photos);
        let scored = InBatches::new(self, prepared(self.config(), limits, Known::PixelsAlone, photos));
        for (done, (image, result)) in scored.enumerate() {
            match result {
                Ok(score) => {
                    report.remarks.note(&image, &score.remarks);
                    report.scores.push(GoodScore { image, score: score.score, map_max: score.map.max() });
                }
                Err(error) => report.rejected.push((image, error)),
            }
            if progress.tell(Stage::Scoring, done + 1, total).is_break() {
                return Err(Error::Cancelled { what: CALIBRATION });
            }
        }
        Ok(())
    }
}

impl CalibrationReport {
    fn new(source: GoodScoreSource) -> Self {
        Self { scores: Vec::new(), source, rejected: Vec::new(), remarks: Remarks::default() }
    }

    /// Thresholds from these scores: at most a share `fpr` of good parts is called anomalous, with this confidence. The pixel
    /// threshold is the same rule on the maximum of each map: at most that share of good **photos** has any pixel above it.
    ///
    /// # Errors
    /// [`Error::Calibration`]: too few photos for this promise, and what they support.
    pub fn thresholds(&self, fpr: f64, confidence: f64) -> Result<Thresholds, Error> {
        let column = |value: fn(&GoodScore) -> f32| self.scores.iter().map(value).collect::<Vec<f32>>();
        let image = calibrate(&column(|photo| photo.score), fpr, confidence, self.source)?;
        let pixel = calibrate(&column(|photo| photo.map_max), fpr, confidence, self.source)?;
        Ok(Thresholds { image: Some(image), pixel: Some(pixel) })
    }
}

/// Sets the thresholds of a model file and leaves everything else in it as it is: written beside it, then renamed.
///
/// # Errors
/// [`Error::WrongThreshold`], [`Error::Io`] and [`Error::ModelFile`]; the file is then as it was.
#[cfg(not(target_family = "wasm"))]
pub fn store_thresholds(path: impl AsRef<Path>, thresholds: Thresholds) -> Result<(), Error> {
    check_thresholds(&thresholds)?;
    let mut file = Model::read(&path)?;
    file.sections.thresholds = Some(thresholds);
    write_model_file(path.as_ref(), &file)
}

fn check_thresholds(thresholds: &Thresholds) -> Result<(), Error> {
    let wrong = thresholds.image.iter().chain(&thresholds.pixel).find(|threshold| !threshold.value.is_finite());
    wrong.map_or(Ok(()), |threshold| Err(Error::WrongThreshold { value: threshold.value }))
}
