//! Thresholds for a model: from photos of good parts alone, with a promise; or chosen.
//!
//! What is promised, and when, is in [`patchcore_metrics::threshold`]. Two ways give scores of good photos that are not those
//! of the fit: photos that the model has not seen, or the training photos, each scored by a model that was fitted without its
//! fold ([`CalibrateOptions::cross_fit`]).

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
#[cfg(not(target_family = "wasm"))]
use std::path::Path;
use std::sync::Arc;

use patchcore_core::good_quantiles::GoodQuantiles;
use patchcore_io::{Limits, NetworkInput};
#[cfg(doc)]
use patchcore_metrics::threshold::Verdict;
use patchcore_metrics::threshold::{GoodScoreSource, Threshold, Thresholds, calibrate, is_beyond_chance, outliers};

use crate::error::Error;
use crate::fit::{FitParts, WhatFails};
use crate::into_photo::{IntoPhoto, Known, PhotoSource, digest_of};
use crate::known_photos::KnownPhotos;
use crate::model::Model;
#[cfg(not(target_family = "wasm"))]
use crate::model::write_model_file;
use crate::prepared::{known_length, numbered, prepared};
use crate::progress::{Progress, Stage, Teller};
use crate::remarks::{Remark, Remarks};
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
    /// Copies of a photo are on its side of every fold, and are scored once.
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
    /// The digest of its pixels ([`Photo::sha256`](crate::Photo::sha256)); `None` of a prepared input, and of a cross-fit, whose photos the
    /// model knows ([`Model::training_photos`]).
    pub sha256: Option<[u8; 32]>,
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
    /// Held-out photos with a patch that is farther from the fit than any of the fit's own photos is from the others
    /// ([`Model::good_quantiles`]), where they are more than chance has it ([`is_beyond_chance`]): then the fit does not cover what is
    /// normal. Else 0.
    pub uncovered: usize,
}

impl Model {
    /// The thresholds; none before a calibration, and none that are stale ([`Model::stale_thresholds`]) unless those were allowed.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The same model with other thresholds, which are not stale whatever those before were. Without a scale of the confidence they get the
    /// one that the good photos of the fit give.
    ///
    /// # Errors
    /// [`Error::WrongThreshold`] for a value that is not finite, [`Error::WrongLookAgain`].
    pub fn with_thresholds(self, thresholds: Thresholds) -> Result<Self, Error> {
        check_thresholds(&thresholds)?;
        let thresholds = with_scale(thresholds, self.good_quantiles());
        Ok(self.judging_by(thresholds))
    }

    /// Scores photos of good parts that have not made the model which scores them, for thresholds with a promise:
    /// [`CalibrationReport::thresholds`]. One that cannot be read is reported and left out; one that shows, pixel for pixel, what an earlier
    /// one shows is not counted again ([`Remark::Duplicate`]). A cross-fit reads its photos once more than it fits.
    ///
    /// Photos are known again by their pixels, where the model knows those of its fit ([`Model::knows_its_photos`]), else by path.
    ///
    /// # Errors
    /// [`Error::TrainingPhoto`] when one is among the training photos, wherever it lies, or a copy of one, and it is no cross-fit; of a
    /// cross-fit [`Error::NotATrainingPhoto`] when one is not, and [`Error::WrongFolds`]; [`Error::Cancelled`] when the progress callback breaks; of a cross-fit whatever a fit
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
        let known = KnownPhotos::new(self);
        let photos = photos.into_iter();
        let total = known_length(&photos);
        let mut inputs = prepared(self.config(), limits, Known::Identity, photos);
        let mut report = CalibrationReport::new(GoodScoreSource::HeldOut);
        let (mut seen, mut copies, mut own) = (HashSet::new(), Remarks::default(), None);
        // Photos are decoded once. The first one of the fit ends the scoring: it is not scored any more.
        let new = inputs.by_ref().map_while(|(name, input)| {
            let digest = input.as_ref().ok().and_then(digest_of);
            let index = input.as_ref().ok().and_then(|input| known.index_of(&name, input));
            own = index.map(|index| (name.clone(), index));
            let is_copy = digest.is_some_and(|digest| !seen.insert(digest));
            if is_copy {
                copies.note(&name, &[Remark::Duplicate]);
            }
            own.is_none().then(|| (!is_copy).then_some((name, input)))
        });
        self.add_good_scores(new.fuse().flatten(), total, &mut report, progress)?;
        let Some((photo, index)) = own else {
            report.remarks.join(copies);
            report.uncovered = self.uncovered(&report.scores);
            return Ok(report);
        };
        // The others are read all the same, so that the refusal says how many they are.
        let is_own = |(name, input): &(String, Result<NetworkInput, Error>)| {
            input.as_ref().is_ok_and(|input| known.index_of(name, input).is_some())
        };
        let count = 1 + inputs.filter(is_own).count();
        let name = known.name(index).unwrap_or_default().to_owned();
        Err(Error::TrainingPhoto { photo, name, count })
    }

    fn uncovered(&self, scores: &[GoodScore]) -> usize {
        let Some((good, largest)) = self.good_quantiles().and_then(|good| Some((good, good.pixels.last()?))) else {
            return 0;
        };
        let beyond = scores.iter().filter(|photo| photo.map_max > *largest).count();
        if is_beyond_chance(beyond, scores.len(), good.photos) { beyond } else { 0 }
    }

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
        let mut report = CalibrationReport::new(GoodScoreSource::CrossFitted { folds });
        let OwnPhotos { photos, different } = self.own_photos(photos, limits, &mut report)?;
        if folds < 2 || folds > different {
            return Err(Error::WrongFolds { folds, photos: different });
        }
        for fold in 0..folds {
            let bounds = fold * different / folds..(fold + 1) * different / folds;
            // A copy is on the side of the photo that it shows.
            let others = photos.iter().filter(|photo| !bounds.contains(&photo.part));
            let others: Vec<(String, PhotoSource)> = others.map(OwnPhoto::named).collect();
            let parts = FitParts {
                config: self.config().clone(),
                weights: Arc::clone(&self.weights),
                own: self.own.clone(),
                weights_files: BTreeMap::new(),
                device: self.device(),
                threads: self.threads.clone(),
                total: others.len(),
                patches: None,
                photos: others.into_iter().map(|(name, source)| (name, Ok(source))),
                limits,
                known: Known::PixelsAlone,
                what_fails: WhatFails::IsReported,
            };
            let fit = parts.fit(progress).map_err(|error| error.of_whole(CALIBRATION))?;
            let left_out = photos.iter().filter(|photo| !photo.is_copy && bounds.contains(&photo.part));
            let left_out: Vec<(String, PhotoSource)> = left_out.map(OwnPhoto::named).collect();
            let total = left_out.len();
            let inputs = prepared(self.config(), limits, Known::PixelsAlone, left_out.into_iter());
            fit.model.add_good_scores(inputs, total, &mut report, progress)?;
        }
        Ok(report)
    }

    /// The photos of a cross-fit, each of which must be one of the fit; those that cannot be read are reported.
    fn own_photos<S>(&self, photos: S, limits: Limits, report: &mut CalibrationReport) -> Result<OwnPhotos, Error>
    where
        S: IntoIterator<Item: IntoPhoto>,
    {
        let known = KnownPhotos::new(self);
        let photos: Vec<(String, Result<PhotoSource, Error>)> = numbered(photos.into_iter()).collect();
        let sources = photos.iter().filter_map(|(name, source)| Some((name.clone(), source.as_ref().ok()?.clone())));
        // A file that does not name its photos cannot be asked.
        let is_own = |name: &str, input: &NetworkInput| known.is_empty() || known.index_of_own(name, input).is_some();
        let look = |(name, input): (String, Result<NetworkInput, Error>)| {
            input.map(|input| (digest_of(&input), is_own(&name, &input)))
        };
        let looked: Vec<_> = prepared(self.config(), limits, Known::Identity, sources).map(look).collect();
        let mut looked = looked.into_iter();
        let (mut parts, mut own, mut stranger, mut strangers) = (HashMap::new(), Vec::new(), None, 0);
        let mut different = 0;
        for (name, source) in photos {
            let (source, digest, is_own) = match source.map(|source| (source, looked.next())) {
                Ok((source, Some(Ok((digest, is_own))))) => (source, digest, is_own),
                Err(error) | Ok((_, Some(Err(error)))) => {
                    report.rejected.push((name, error));
                    continue;
                }
                Ok((_, None)) => unreachable!("each source has been looked at"),
            };
            if !is_own {
                strangers += 1;
                stranger.get_or_insert(name);
                continue;
            }
            let earlier = digest.and_then(|digest| parts.get(&digest).copied());
            let part = earlier.unwrap_or(different);
            match (earlier, digest) {
                (Some(_), _) => report.remarks.note(&name, &[Remark::Duplicate]),
                (None, Some(digest)) => drop(parts.insert(digest, part)),
                (None, None) => {}
            }
            different += usize::from(earlier.is_none());
            own.push(OwnPhoto { name, source, part, is_copy: earlier.is_some() });
        }
        match stranger {
            Some(photo) => Err(Error::NotATrainingPhoto { photo, count: strangers }),
            None => Ok(OwnPhotos { photos: own, different }),
        }
    }

    fn add_good_scores(
        &self,
        inputs: impl Iterator<Item = (String, Result<NetworkInput, Error>)>,
        total: usize,
        report: &mut CalibrationReport,
        progress: &mut Teller<'_>,
    ) -> Result<(), Error> {
        // Inputs are taken in batches, ahead of their scores, in their order.
        let digests = RefCell::new(VecDeque::new());
        let inputs = inputs.inspect(|(_, input)| {
            digests.borrow_mut().push_back(input.as_ref().ok().and_then(digest_of));
        });
        for (done, (image, result)) in InBatches::new(self, inputs).enumerate() {
            let sha256 = digests.borrow_mut().pop_front().flatten();
            match result {
                Ok(score) => {
                    report.remarks.note(&image, &score.remarks);
                    report.scores.push(GoodScore { image, score: score.score, map_max: score.map.max(), sha256 });
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

/// The photos of a cross-fit.
struct OwnPhotos {
    photos: Vec<OwnPhoto>,
    /// How many of them are no copy of an earlier one.
    different: usize,
}

struct OwnPhoto {
    name: String,
    source: PhotoSource,
    /// Its number among the different photos, which is that of the photo that it is a copy of.
    part: usize,
    is_copy: bool,
}

impl OwnPhoto {
    fn named(&self) -> (String, PhotoSource) {
        (self.name.clone(), self.source.clone())
    }
}

impl CalibrationReport {
    fn new(source: GoodScoreSource) -> Self {
        Self { scores: Vec::new(), source, rejected: Vec::new(), remarks: Remarks::default(), uncovered: 0 }
    }

    /// The photos whose score is above `value`, the largest first.
    pub fn above(&self, value: f32) -> Vec<&GoodScore> {
        let mut above: Vec<&GoodScore> = self.scores.iter().filter(|photo| photo.score > value).collect();
        above.sort_by(|a, b| b.score.total_cmp(&a.score));
        above
    }

    /// The photos whose scores stand apart from all others, the largest first: parts that may not be good. The rule, which calls one of
    /// twenty sets without outliers odd at most, is that of [`outliers`].
    pub fn outliers(&self) -> Vec<&GoodScore> {
        let scores: Vec<f32> = self.scores.iter().map(|photo| photo.score).collect();
        let mut largest = self.above(f32::NEG_INFINITY);
        largest.truncate(outliers(&scores));
        largest
    }

    /// Thresholds from these scores: at most a share `fpr` of good parts is called anomalous, with this confidence. The pixel
    /// threshold is the same rule on the maximum of each map: at most that share of good **photos** has any pixel above it. Where the
    /// image score is that maximum there is none: it would be the same, and [`Model::map_scale`] has a lower one for what a picture shows.
    ///
    /// # Errors
    /// [`Error::Calibration`]: too few photos for this promise, and what they support.
    pub fn thresholds(&self, fpr: f64, confidence: f64) -> Result<Thresholds, Error> {
        let column = |value: fn(&GoodScore) -> f32| self.scores.iter().map(value).collect::<Vec<f32>>();
        let mut scores = column(|photo| photo.score);
        let maxima = column(|photo| photo.map_max);
        let image = calibrate(&scores, fpr, confidence, self.source)?;
        let pixel = match scores == maxima {
            true => None,
            false => Some(calibrate(&maxima, fpr, confidence, self.source)?),
        };
        let middle = scores.len() / 2;
        scores.sort_unstable_by(f32::total_cmp);
        let confidence_scale = scores.get(middle).map(|good| Thresholds::scale_of_confidence(image.value, *good));
        Ok(Thresholds { image: Some(image), pixel, look_again: None, confidence_scale })
    }

    /// A second, lower threshold from the same scores: what lies between it and the first is [`Verdict::LookAgain`]. At most a share
    /// `fpr` of good parts, larger than that of the first, is called that or anomalous, with this confidence.
    ///
    /// # Errors
    /// [`Error::Calibration`].
    pub fn look_again(&self, fpr: f64, confidence: f64) -> Result<Threshold, Error> {
        let scores: Vec<f32> = self.scores.iter().map(|photo| photo.score).collect();
        Ok(calibrate(&scores, fpr, confidence, self.source)?)
    }
}

/// Sets the thresholds of a model file, in the place of stale ones too, and leaves everything else in it as it is: written beside it, then
/// renamed.
///
/// # Errors
/// [`Error::WrongThreshold`], [`Error::WrongLookAgain`], [`Error::Io`] and [`Error::ModelFile`]; the file is then as it was.
#[cfg(not(target_family = "wasm"))]
pub fn store_thresholds(path: impl AsRef<Path>, thresholds: Thresholds) -> Result<(), Error> {
    check_thresholds(&thresholds)?;
    let mut file = Model::read(&path)?;
    file.sections.thresholds = Some(with_scale(thresholds, file.sections.good_quantiles.as_ref()));
    file.sections.stale_thresholds = None;
    write_model_file(path.as_ref(), &file)
}

fn check_thresholds(thresholds: &Thresholds) -> Result<(), Error> {
    if let Some((_, wrong)) = thresholds.named().find(|(_, threshold)| !threshold.value.is_finite()) {
        return Err(Error::WrongThreshold { value: wrong.value });
    }
    let (image, lower) = (thresholds.image.map(|threshold| threshold.value), thresholds.look_again);
    match lower.map(|threshold| threshold.value).filter(|lower| image.is_none_or(|image| *lower > image)) {
        Some(look_again) => Err(Error::WrongLookAgain { look_again, image }),
        None => Ok(()),
    }
}

/// With the scale of the confidence that good photos of the fit give, where the thresholds bring none.
fn with_scale(thresholds: Thresholds, good: Option<&GoodQuantiles>) -> Thresholds {
    let found = || {
        let median = good?.pixels_at(0.5)?;
        Some(Thresholds::scale_of_confidence(thresholds.image?.value, median))
    };
    Thresholds { confidence_scale: thresholds.confidence_scale.or_else(found), ..thresholds }
}
