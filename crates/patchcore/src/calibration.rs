//! Thresholds for a model: from photos of good parts alone, with a promise; or chosen.
//!
//! What is promised, and when, is in [`patchcore_metrics::threshold`]. Two ways give scores of good photos that are not those
//! of the fit: photos that the model has not seen ([`Model::score_good_files`]), or the training photos, each scored by a
//! model that was fitted without its fold ([`Model::cross_fit_files`]).

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use patchcore_io::{Limits, path_of_text, path_text};
use patchcore_metrics::MetricError;
use patchcore_metrics::threshold::{GoodScoreSource, Threshold, Thresholds, calibrate};

use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::files::prepared;
use crate::model::{Model, write_model_file};
use crate::progress::{Progress, ProgressFn, Stage};

/// What a caller cancels here.
const CALIBRATION: &str = "calibration";

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

    /// Sets thresholds from the scores of good photos: at most a share `fpr` of good parts is called anomalous, with this
    /// confidence. The pixel threshold is the same rule on the maximum of each map: at most that share of good
    /// **photos** has any pixel above it.
    ///
    /// # Errors
    /// [`Error::Calibration`]: too few photos for this promise, and what they support; the thresholds are as they were.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{Limits, Model, good_images};
    ///
    /// let mut model = Model::load("part.patchcore", None, "flex")?;
    /// let held_out = good_images("photos_of_good_parts_not_in_the_fit".as_ref())?;
    /// let report = model.score_good_files(&held_out, &Limits::default(), &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// model.calibrate(&report, 0.05, 0.95)?; // needs 59 photos
    /// patchcore::store_thresholds("part.patchcore", model.thresholds())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn calibrate(&mut self, good: &CalibrationReport, fpr: f64, confidence: f64) -> Result<Thresholds, Error> {
        let column = |value: fn(&GoodScore) -> f32| good.scores.iter().map(value).collect::<Vec<f32>>();
        let image = calibrate(&column(|photo| photo.score), fpr, confidence, good.source)?;
        let pixel = calibrate(&column(|photo| photo.map_max), fpr, confidence, good.source)?;
        self.thresholds = Thresholds { image: Some(image), pixel: Some(pixel) };
        Ok(self.thresholds)
    }

    /// Scores photos of good parts that the model has not seen. One that cannot be read is reported and left out.
    ///
    /// # Errors
    /// [`Error::TrainingPhoto`] when a file is among the training photos (the same file; copies are not found out),
    /// [`Error::Cancelled`] when the progress callback breaks.
    ///
    /// See [`Model::calibrate`] for an example.
    pub fn score_good_files(
        &self,
        files: &[PathBuf],
        limits: &Limits,
        progress: &mut ProgressFn<'_>,
    ) -> Result<CalibrationReport, Error> {
        let seen: HashSet<PathBuf> = self.training_images().iter().map(|name| resolved(&path_of_text(name))).collect();
        if let Some(photo) = files.iter().find(|file| seen.contains(&resolved(file))) {
            return Err(Error::TrainingPhoto { photo: path_text(photo) });
        }
        let mut report =
            CalibrationReport { scores: Vec::new(), source: GoodScoreSource::HeldOut, rejected: Vec::new() };
        self.add_good_scores(files, limits, &mut report, progress)?;
        Ok(report)
    }

    /// Fits on all but one of `folds` runs of consecutive photos, with this model's own settings, and scores the
    /// photos left out; for every run. Consecutive photos, because neighbours in a series are often the same part.
    ///
    /// The scores are those of other models, fitted on fewer photos: [`GoodScoreSource::CrossFitted`]. Cost: `folds`
    /// fits.
    ///
    /// # Errors
    /// [`Error::WrongFolds`], [`Error::Cancelled`], and as [`Model::fit_files`].
    #[expect(clippy::indexing_slicing, reason = "folds cut the photos: their bounds lie between 0 and the number")]
    pub fn cross_fit_files(
        &self,
        files: &[PathBuf],
        folds: usize,
        limits: &Limits,
        progress: &mut ProgressFn<'_>,
    ) -> Result<CalibrationReport, Error> {
        if folds < 2 || folds > files.len() {
            return Err(Error::WrongFolds { folds, photos: files.len() });
        }
        let source = GoodScoreSource::CrossFitted { folds };
        let mut report = CalibrationReport { scores: Vec::new(), source, rejected: Vec::new() };
        for fold in 0..folds {
            let bounds = fold * files.len() / folds..(fold + 1) * files.len() / folds;
            let left_out = &files[bounds.clone()];
            let rest: Vec<PathBuf> =
                files.iter().enumerate().filter(|(at, _)| !bounds.contains(at)).map(|(_, file)| file.clone()).collect();
            let core = self.core();
            let fit = prepared(&rest, core.config(), limits, |inputs| {
                let (config, weights) = (core.config().clone(), self.weights.clone());
                Self::fit_with(config, weights, core.device(), inputs, rest.len(), progress)
            })
            .map_err(|error| error.of_whole(CALIBRATION))?;
            fit.model.add_good_scores(left_out, limits, &mut report, progress)?;
        }
        Ok(report)
    }

    fn add_good_scores(
        &self,
        files: &[PathBuf],
        limits: &Limits,
        report: &mut CalibrationReport,
        progress: &mut ProgressFn<'_>,
    ) -> Result<(), Error> {
        let (mut done, mut cancelled) = (0, false);
        self.score_files(files, limits, |path, result| {
            let image = path_text(path);
            match result {
                Ok((_, score)) => {
                    report.scores.push(GoodScore { image, score: score.score, map_max: score.map.max() });
                }
                Err(error) => report.rejected.push((image, error)),
            }
            done += 1;
            cancelled = progress(Progress { stage: Stage::Scoring, done, total: files.len() }).is_break();
            if cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if cancelled { Err(Error::Cancelled { what: CALIBRATION }) } else { Ok(()) }
    }
}

impl Evaluation {
    /// The thresholds with the largest F1 over images and over pixels of this test set: chosen on what they are judged by.
    ///
    /// # Errors
    /// [`Error::Metric`] when the images are of one class. Without masks there is no pixel threshold.
    pub fn f1_max_thresholds(&self) -> Result<Thresholds, Error> {
        let image = self.overall.image.clone().map_err(|error: MetricError| Error::Metric(error))?;
        let pixel = self.overall.pixel.as_ref().ok();
        Ok(Thresholds {
            image: Some(Threshold::f1_max(image.f1_max, image.n_normal, image.n_anomalous)),
            pixel: pixel.map(|pixel| Threshold::f1_max(pixel.f1_max, pixel.n_normal, pixel.n_anomalous)),
        })
    }
}

/// Sets the thresholds of a model file and leaves everything else in it as it is: written beside it, then renamed.
///
/// # Errors
/// [`Error::WrongThreshold`], [`Error::Io`] and [`Error::ModelFile`]; the file is then as it was.
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

/// The same file under one name, as far as the system knows.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
