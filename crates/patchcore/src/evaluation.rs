//! A model judged on a test set: one row per image, metrics over all and per kind of defect.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use patchcore_config::{Checked, Region};
use patchcore_io::{
    DataSet, HiddenDefect, ImageError, Limits, Mask, MaskFault, MaskSurvey, NetworkInput, Photo, TestImage, TruthMask,
    path_text,
};
use patchcore_metrics::threshold::{Threshold, Thresholds};
use patchcore_metrics::{Bootstrap, PixelReplicates, Results, image_replicates_at, pixel_replicates_telling};

use crate::ahead::Ahead;
use crate::error::Error;
use crate::evaluated_image::{EvaluatedImage, WorstPatch};
use crate::evaluation_metrics::{Entries, Metrics, judged_at, metrics_of, values};
use crate::into_photo::{Known, PhotoSource, input_bytes};
use crate::model::Model;
use crate::progress::{Progress, Stage, Teller};
use crate::remarks::Remarks;
use crate::scores::InBatches;

/// In which geometry the pixels of an evaluation are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapGeometry {
    /// The network's view: what a crop cuts off does not count, as the published codes measure.
    #[default]
    Input,
    /// The original photo: maps as [`Score::on_photo`](crate::Score::on_photo), truth as it was drawn. A defect that a
    /// crop hides counts as missed: the map is 0 there.
    Photo,
}

/// The result of an evaluation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Evaluation {
    /// One row per test image, in the order of the test set.
    pub images: Vec<EvaluatedImage>,
    /// Over all images.
    pub overall: Metrics,
    /// Per kind of defect, each together with all good images.
    pub kinds: BTreeMap<String, Metrics>,
    /// The pixel metrics over all images in each resample, for a paired comparison; `None` before
    /// [`Evaluation::add_intervals`], or where they are not defined.
    pub pixel_replicates: Option<PixelReplicates>,
    /// At which thresholds images and regions were judged: those of the model. Without one of its maps it is that of its images,
    /// where an image's score is the largest value of its map and both are on one scale.
    pub judged_at: Thresholds,
    /// At which threshold images are said to be found or rejected: that of the model, else one that this test set gives
    /// ([`Threshold::of_test_set`](patchcore_metrics::threshold::Threshold::of_test_set)), which promises nothing for new parts. `None` where no good image was scored either.
    pub verdicts_at: Option<Threshold>,
    /// The masks of the defective images, and the one rule by which all of them were read.
    pub masks: MaskSurvey,
}

/// Options of [`Model::evaluate`]. Start from [`EvaluateOptions::default`].
#[derive(Debug, Default)]
pub struct EvaluateOptions<'a> {
    limits: Limits,
    progress: Teller<'a>,
    geometry: MapGeometry,
    min_area: f64,
}

impl<'a> EvaluateOptions<'a> {
    /// What a file may hold, at most. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Told after every photo and every set of metrics; [`ControlFlow::Break`] ends the evaluation with
    /// [`Error::Cancelled`].
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Teller::new(progress);
        self
    }

    /// Which pixels are counted. Default: those of the network's view.
    #[must_use]
    pub fn geometry(mut self, geometry: MapGeometry) -> Self {
        self.geometry = geometry;
        self
    }

    /// Regions of a smaller area, in pixels of the photo, are left out of [`EvaluatedImage::regions`]. Default: 0.
    #[must_use]
    pub fn min_area(mut self, min_area: f64) -> Self {
        self.min_area = min_area;
        self
    }
}

impl Model {
    /// Scores a test set and computes the metrics. An image that fails has an error in its row and is left out of the
    /// metrics; the others go on.
    ///
    /// Memory: the maps of all images stay in memory, 5 bytes per input pixel. Every mask is read twice: what its samples mean, all of
    /// them together decide ([`MaskRule`](patchcore_io::MaskRule)), and keeping them would take the memory of the photos.
    /// Each photo is decoded once.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the progress callback breaks.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use patchcore::{Bootstrap, DataSet, EvaluateOptions, Model};
    ///
    /// let model = Model::load("part.patchcore")?;
    /// let data = DataSet::open("part".as_ref())?;
    /// let mut evaluation = model.evaluate(&data, EvaluateOptions::default())?;
    /// evaluation.add_intervals(&Bootstrap::default())?;
    /// match &evaluation.overall.image {
    ///     Ok(image) => println!("image AUROC {:.4}, {:?}", image.auroc, evaluation.overall.intervals),
    ///     Err(reason) => println!("no image metrics: {reason}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn evaluate(&self, data: &DataSet, options: EvaluateOptions<'_>) -> Result<Evaluation, Error> {
        let EvaluateOptions { limits, mut progress, geometry, min_area } = options;
        let mut tell = |stage, done, total| match progress.tell(stage, done, total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled { what: "evaluation" }),
        };
        let region = self.config().region.as_ref().filter(|_| geometry == MapGeometry::Photo).map(Region::to_pixels);
        let mut masks = MaskSurvey::default();
        for path in data.test.iter().filter(|image| image.is_anomalous).flat_map(|image| &image.masks) {
            // What cannot be read has its error in its row.
            if let Ok(mask) = Photo::open(path, &limits) {
                masks.add(&mask);
            }
            tell(Stage::Scoring, 0, data.test.len())?;
        }
        let truths = Truths { masks: masks.clone(), limits, config: self.config().clone(), geometry, region };
        let region = truths.region.clone();
        let mut images: Vec<EvaluatedImage> = Vec::new();
        for ((image, truth), scored) in InBatches::new(self, self.loaded(data, truths)) {
            let mut regions = Vec::new();
            let mut verdict = None;
            let (score, worst, map, inside, remarks) = match scored {
                Err(error) => (Err(error), None, None, None, Vec::new()),
                Ok(score) => {
                    regions = self.regions(&score, min_area);
                    verdict = score.verdict;
                    let (value, remarks) = (Ok(score.score), score.remarks.clone());
                    let (at, nearest_good, lies) = (score.worst_at, score.nearest_good.clone(), score.geometry);
                    let worst = Some(WorstPatch { at, nearest_good, geometry: lies });
                    match geometry {
                        MapGeometry::Input => (value, worst, Some(score.map), score.inside, remarks),
                        MapGeometry::Photo => (value, worst, Some(score.on_photo().map), region.clone(), remarks),
                    }
                }
            };
            let (truth, mask_error, hidden) = match truth.filter(|_| map.is_some()) {
                None => (None, None, None),
                Some(Ok((mask, hidden))) => ((mask.defective_pixels() > 0).then_some(mask.data), None, hidden),
                Some(Err(error)) => {
                    let is_black = matches!(error, Error::Image(ImageError::BlackMask { .. }));
                    (None, Some(error), is_black.then_some(HiddenDefect::NoDefectivePixel))
                }
            };
            let row = EvaluatedImage {
                image,
                score,
                mask_error,
                hidden,
                worst,
                map,
                truth,
                inside,
                verdict,
                regions,
                remarks,
            };
            images.push(row);
            tell(Stage::Scoring, images.len(), data.test.len())?;
        }
        let judged_at = judged_at(self.thresholds(), self.config().image_score);
        let Entries { scores, labels, .. } = Entries::new(&images, None);
        let verdicts_at = judged_at.image.or_else(|| Threshold::of_test_set(&scores, &labels));
        let defects = images.iter().filter(|row| row.image.is_anomalous).map(|row| row.image.kind.clone());
        let names: BTreeSet<String> = defects.collect();
        let sets = 1 + names.len();
        tell(Stage::Metrics, 0, sets)?;
        let overall = self.threads.run(|| metrics_of(&images, None, &judged_at, verdicts_at))?;
        tell(Stage::Metrics, 1, sets)?;
        let mut kinds = BTreeMap::new();
        for kind in names {
            let metrics = self.threads.run(|| metrics_of(&images, Some(&kind), &judged_at, verdicts_at))?;
            kinds.insert(kind, metrics);
            tell(Stage::Metrics, 1 + kinds.len(), sets)?;
        }
        Ok(Evaluation { images, overall, kinds, pixel_replicates: None, judged_at, verdicts_at, masks })
    }

    /// The test images with their masks and inputs, in order, made ahead on another thread.
    fn loaded(
        &self,
        data: &DataSet,
        truths: Truths,
    ) -> impl Iterator<Item = (TestRow, Result<NetworkInput, Error>)> + use<> {
        // Only to be told from photos of the fit, which a model of an earlier version does not know.
        let known = if self.training_digests().is_empty() { Known::PixelsAlone } else { Known::Identity };
        let load = move |image: TestImage| {
            let source = PhotoSource::Path(image.path.clone());
            let input = source.prepare(&truths.config, &truths.limits, known);
            let truth = input.as_ref().ok().map(|input| truths.of(&image, input));
            ((image, truth), input)
        };
        let bytes = |((_, truth), input): &(TestRow, Result<NetworkInput, Error>)| {
            let truth = truth.as_ref().and_then(|truth| truth.as_ref().ok()).map_or(0, |(mask, _)| mask.data.len());
            truth + input.as_ref().map_or(0, input_bytes)
        };
        Ahead::new(data.test.clone().into_iter(), |_| 0, load, bytes)
    }
}

/// A test image, and its truth if the image itself could be loaded.
type TestRow = (TestImage, Option<Result<Truth, Error>>);

/// What is defective, and why none of it counts, if none does.
type Truth = (Mask, Option<HiddenDefect>);

/// What is needed to read the ground truth of any image of a test set.
struct Truths {
    masks: MaskSurvey,
    limits: Limits,
    config: Checked,
    geometry: MapGeometry,
    /// Which pixels of the photo count, in [`MapGeometry::Photo`].
    region: Option<Vec<bool>>,
}

impl Truths {
    /// The ground truth in the geometry asked for; nothing is defective in a good image.
    fn of(&self, image: &TestImage, input: &NetworkInput) -> Result<Truth, Error> {
        let geometry = &input.geometry;
        if !image.is_anomalous {
            let size = match self.geometry {
                MapGeometry::Input => geometry.input,
                MapGeometry::Photo => geometry.original,
            };
            return Ok((Mask::empty(size), None));
        }
        if let Some(fault) = &image.mask_fault {
            return Err(fault.clone().into());
        }
        let Some(first) = image.masks.first() else {
            let expected = "a file of its own".to_owned();
            return Err(MaskFault::Missing { image: image.relative.clone(), expected }.into());
        };
        let truth = TruthMask::open(&image.masks, geometry.original, &self.masks, &self.limits)?;
        let truth = match self.geometry {
            MapGeometry::Input => truth.in_view(geometry, self.config.view.resampling, input.inside.as_deref()),
            MapGeometry::Photo => truth.on_photo(self.region.as_deref()),
        };
        match truth {
            (_, Some(HiddenDefect::NoDefectivePixel)) => {
                Err(Error::Image(ImageError::BlackMask { name: path_text(first) }))
            }
            truth => Ok(truth),
        }
    }
}

impl Evaluation {
    /// The thresholds with the largest F1 over images and over pixels of this test set: chosen on what they are judged by.
    ///
    /// # Errors
    /// [`Error::Metric`] when the images are of one class. Without masks there is no pixel threshold.
    pub fn f1_max_thresholds(&self) -> Result<Thresholds, Error> {
        let image = self.overall.image.clone().map_err(Error::Metric)?;
        let pixel = self.overall.pixel.as_ref().ok();
        Ok(Thresholds {
            image: Some(Threshold::f1_max(image.f1_max, image.n_normal, image.n_anomalous)),
            pixel: pixel.map(|pixel| Threshold::f1_max(pixel.f1_max, pixel.n_normal, pixel.n_anomalous)),
            ..Thresholds::default()
        })
    }

    /// What is odd about photos that were scored all the same.
    pub fn remarks(&self) -> Remarks {
        let mut remarks = Remarks::default();
        self.images.iter().for_each(|row| remarks.note(&row.image.relative, &row.remarks));
        remarks
    }

    /// Adds bootstrap intervals to the metrics, over all and per kind of defect. The same [`Bootstrap`] on two evaluations
    /// of one test set draws the same images. Takes longer than all other metrics together.
    ///
    /// # Errors
    /// [`Error::Metric`] for settings without resamples or with a confidence outside (0, 1).
    pub fn add_intervals(&mut self, bootstrap: &Bootstrap) -> Result<(), Error> {
        self.add_intervals_with(bootstrap, |_| ControlFlow::Continue(()))
    }

    /// [`Evaluation::add_intervals`], with `progress` told of [`Stage::Intervals`] every few resamples; [`ControlFlow::Break`] ends it,
    /// and the metrics keep the intervals that were there by then.
    ///
    /// # Errors
    /// As [`Evaluation::add_intervals`], and [`Error::Cancelled`] when the progress callback breaks.
    pub fn add_intervals_with(
        &mut self,
        bootstrap: &Bootstrap,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let images = &self.images;
        let [of_images, of_pixels] = values(&self.judged_at);
        let total = (1 + self.kinds.len()) * bootstrap.resamples;
        let sets = std::iter::once((None, &mut self.overall));
        let sets = sets.chain(self.kinds.iter_mut().map(|(kind, metrics)| (Some(kind.as_str()), metrics)));
        for (at, (kind, metrics)) in sets.enumerate() {
            let entries = Entries::new(images, kind);
            // What is not defined on this set has its reason in the metric itself.
            if metrics.image.is_ok() {
                let replicates = image_replicates_at(of_images, &entries.scores, &entries.labels, bootstrap)?;
                metrics.intervals.extend(replicates.intervals()?.iter());
            }
            let before = at * bootstrap.resamples;
            let mut tell = |done, _| progress(Progress::new(Stage::Intervals, before + done, total));
            if metrics.pixel.is_ok() {
                let replicates = pixel_replicates_telling(of_pixels, &entries.maps, bootstrap, &mut tell)?;
                let replicates = replicates.ok_or(Error::Cancelled { what: "evaluation" })?;
                metrics.intervals.extend(replicates.intervals()?.iter());
                if kind.is_none() {
                    self.pixel_replicates = Some(replicates);
                }
            } else if tell(bootstrap.resamples, bootstrap.resamples).is_break() {
                return Err(Error::Cancelled { what: "evaluation" });
            }
        }
        Ok(())
    }

    /// What metrics.json says of it; `model` is the one that was evaluated. The caller has the clock and adds
    /// the seconds of each stage.
    pub fn results(&self, model: &Model) -> Results {
        let count = |wanted: fn(&EvaluatedImage) -> bool| self.images.iter().filter(|row| wanted(row)).count();
        let results = Results {
            version: Results::VERSION,
            sentence: None,
            verdicts_at: self.verdicts_at,
            overall: self.overall.results(),
            n_failed: count(|row| row.score.is_err()),
            n_without_mask: count(|row| row.mask_error.is_some()),
            n_defect_out_of_view: count(|row| row.hidden.is_some() && row.mask_error.is_none()),
            hidden_defects: self.images.iter().filter_map(|row| row.hidden).fold(
                BTreeMap::new(),
                |mut counts, hidden| {
                    *counts.entry(hidden.name().to_owned()).or_default() += 1;
                    counts
                },
            ),
            mask_rule: (self.masks.masks() > 0).then(|| self.masks.rule().to_string()),
            kinds: self.kinds.iter().map(|(kind, metrics)| (kind.clone(), metrics.results())).collect(),
            authors_normalization: None,
            thresholds: Some(model.thresholds()).filter(|thresholds| *thresholds != Thresholds::default()),
            seconds: BTreeMap::new(),
            model: model.evaluated(),
            run: None,
        };
        Results { sentence: Some(results.in_words()), ..results }
    }
}
