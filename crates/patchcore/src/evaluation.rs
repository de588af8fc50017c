//! A model judged on a test set: one row per image, metrics over all and per kind of defect.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use patchcore_config::Region;
use patchcore_core::scoring::AnomalyMap;
use patchcore_io::{Limits, Mask, MvtecCategory, NetworkInput, Photo, TestImage, path_text};
use patchcore_metrics::threshold::Thresholds;
use patchcore_metrics::{
    Bootstrap, Confusion, EvaluatedModel, ImageMetrics, Interval, LabelledMap, MetricError, PerMetric, PixelMetrics,
    PixelReplicates, Results, SetResults, image_metrics, image_replicates, pixel_metrics, pixel_replicates,
};

use crate::error::Error;
use crate::files::Scored;
use crate::input::load_input;
use crate::model::Model;
use crate::progress::{Progress, ProgressFn, Stage};

/// One test image and what became of it.
#[derive(Debug)]
pub struct EvaluatedImage {
    /// The image.
    pub image: TestImage,
    /// The image score, or why there is none.
    pub score: Result<f32, Error>,
    /// Why a defective image's pixels are not in the pixel metrics (its mask is missing, of another size, ...).
    pub mask_error: Option<Error>,
    /// One score per pixel of the network's view; `None` for an image that failed.
    pub map: Option<AnomalyMap>,
    /// The ground truth in the same view; `None` without a usable one, or where no pixel of the view is defective.
    pub truth: Option<Vec<bool>>,
    /// Which pixels count, of the map's size; `None`: all of them.
    pub inside: Option<Vec<bool>>,
}

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

impl EvaluatedImage {
    /// Defective pixels in the network's view; 0 for a defective image means that the view hides its defect.
    pub fn defective_pixels(&self) -> usize {
        self.truth.as_ref().map_or(0, |truth| truth.iter().filter(|defective| **defective).count())
    }

    /// The map with its truth and its region, as the pixel metrics take it; `None` for an image that failed, and without
    /// a usable mask, when it is not known which pixels are good.
    pub fn labelled_map(&self) -> Option<LabelledMap<'_>> {
        let map = self.map.as_ref().filter(|_| self.mask_error.is_none())?;
        Some(LabelledMap {
            width: map.width,
            height: map.height,
            scores: &map.scores,
            mask: self.truth.as_deref(),
            inside: self.inside.as_deref(),
        })
    }
}

/// Metrics over a set of images.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Good images scored.
    pub n_normal: usize,
    /// Defective images scored.
    pub n_anomalous: usize,
    /// Image metrics, or why they are not defined (one class only).
    pub image: Result<ImageMetrics, MetricError>,
    /// Pixel metrics, or why they are not defined (no defective pixel in view).
    pub pixel: Result<PixelMetrics, MetricError>,
    /// Verdicts at the model's image threshold against the truth; `None` for a model without one.
    pub confusion: Option<Confusion>,
    /// How far each metric may be off; none before [`Evaluation::add_intervals`], nor for one that is not defined.
    pub intervals: PerMetric<Interval>,
}

impl Metrics {
    /// The same as it stands in metrics.json.
    pub fn results(&self) -> SetResults {
        let (image, pixel) = (self.image.as_ref().ok(), self.pixel.as_ref().ok());
        SetResults {
            intervals: self.intervals,
            confusion: self.confusion,
            ..SetResults::new(self.n_normal, self.n_anomalous, image, pixel)
        }
    }
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
    /// Time for decoding and scoring.
    pub scoring: Duration,
    /// Time for the metrics.
    pub metrics: Duration,
}

impl Model {
    /// Scores a test set and computes the metrics. An image that fails has an error in its row and is left out of the
    /// metrics; the others go on.
    ///
    /// Memory: the maps of all images stay in memory, 5 bytes per input pixel.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the progress callback breaks.
    ///
    /// # Examples
    /// ```no_run
    /// # fn main() -> Result<(), patchcore::Error> {
    /// use std::ops::ControlFlow;
    ///
    /// use patchcore::{Bootstrap, Limits, Model, MvtecCategory};
    ///
    /// let model = Model::load("part.patchcore", None, "flex")?;
    /// let category = MvtecCategory::open("part".as_ref())?;
    /// let mut evaluation = model.evaluate(&category, &Limits::default(), &mut |_| ControlFlow::Continue(()))?;
    /// evaluation.add_intervals(&Bootstrap::default())?;
    /// match &evaluation.overall.image {
    ///     Ok(image) => println!("image AUROC {:.4}, {:?}", image.auroc, evaluation.overall.intervals),
    ///     Err(reason) => println!("no image metrics: {reason}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn evaluate(
        &self,
        category: &MvtecCategory,
        limits: &Limits,
        progress: &mut ProgressFn<'_>,
    ) -> Result<Evaluation, Error> {
        self.evaluate_in(MapGeometry::Input, category, limits, progress)
    }

    /// [`Model::evaluate`] with the pixels of the network's view or of the original photos.
    ///
    /// # Errors
    /// As [`Model::evaluate`].
    pub fn evaluate_in(
        &self,
        geometry: MapGeometry,
        category: &MvtecCategory,
        limits: &Limits,
        progress: &mut ProgressFn<'_>,
    ) -> Result<Evaluation, Error> {
        let config = self.core().config();
        let region = config.region.as_ref().filter(|_| geometry == MapGeometry::Photo).map(Region::to_pixels);
        let mut images: Vec<EvaluatedImage> = Vec::new();
        let started = Instant::now();
        let mut cancelled = false;
        let total = category.test.len();
        let load = |image: &TestImage| {
            let input = load_input(&image.path, config, limits)?;
            let mask = load_mask(image, &input, limits, self, geometry);
            Ok::<_, Error>((input, mask))
        };
        self.score_loaded(&category.test, load, |image, scored| {
            let image = image.clone();
            images.push(match scored {
                Err(error) => {
                    EvaluatedImage { image, score: Err(error), mask_error: None, map: None, truth: None, inside: None }
                }
                Ok(Scored { score, more: mask, .. }) => {
                    let (truth, mask_error) = match mask {
                        Ok(mask) => ((mask.defective_pixels() > 0).then_some(mask.data), None),
                        Err(error) => (None, Some(error)),
                    };
                    let value = Ok(score.score);
                    let (map, inside) = match geometry {
                        MapGeometry::Input => (score.map, score.inside),
                        MapGeometry::Photo => (score.on_photo().map, region.clone()),
                    };
                    EvaluatedImage { image, score: value, mask_error, map: Some(map), truth, inside }
                }
            });
            cancelled = progress(Progress { stage: Stage::Scoring, done: images.len(), total }).is_break();
            if cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if cancelled {
            return Err(Error::Cancelled { what: "evaluation" });
        }
        let scoring = started.elapsed();
        let started = Instant::now();
        let threshold = self.thresholds().image.map(|threshold| threshold.value);
        let overall = metrics_of(&images, None, threshold)?;
        let mut kinds: BTreeMap<String, Metrics> = BTreeMap::new();
        for row in images.iter().filter(|row| row.image.is_anomalous) {
            if !kinds.contains_key(&row.image.kind) {
                kinds.insert(row.image.kind.clone(), metrics_of(&images, Some(&row.image.kind), threshold)?);
            }
        }
        let metrics = started.elapsed();
        Ok(Evaluation { images, overall, kinds, pixel_replicates: None, scoring, metrics })
    }
}

/// The ground truth in the network's view; nothing is defective in a good image.
fn load_mask(
    image: &TestImage,
    input: &NetworkInput,
    limits: &Limits,
    model: &Model,
    geometry: MapGeometry,
) -> Result<Mask, Error> {
    if !image.is_anomalous {
        return Ok(Mask::empty(match geometry {
            MapGeometry::Input => input.geometry.input,
            MapGeometry::Photo => input.geometry.original,
        }));
    }
    let Some(path) = &image.mask else {
        let stem = path_text(Path::new(image.path.file_stem().unwrap_or_default()));
        let expected = format!("ground_truth/{}/{stem}_mask.png", image.kind);
        return Err(Error::MissingMask { image: image.relative.clone(), expected });
    };
    let view = &model.core().config().view;
    let photo = Photo::open(path, limits)?;
    // Also checks the mask's size.
    let in_view = patchcore_io::prepare_mask(&photo, input.geometry.original, view)?;
    Ok(match geometry {
        MapGeometry::Input => in_view,
        MapGeometry::Photo => Mask::of_photo(&photo),
    })
}

impl Evaluation {
    /// Adds bootstrap intervals to the metrics, over all and per kind of defect. The same [`Bootstrap`] on two evaluations
    /// of one test set draws the same images. Takes longer than all other metrics together.
    ///
    /// # Errors
    /// [`Error::Metric`] for settings without resamples or with a confidence outside (0, 1).
    pub fn add_intervals(&mut self, bootstrap: &Bootstrap) -> Result<(), Error> {
        let started = Instant::now();
        let images = &self.images;
        let sets = std::iter::once((None, &mut self.overall));
        for (kind, metrics) in sets.chain(self.kinds.iter_mut().map(|(kind, metrics)| (Some(kind.as_str()), metrics))) {
            let entries = Entries::new(images, kind);
            // What is not defined on this set has its reason in the metric itself.
            if metrics.image.is_ok() {
                let replicates = image_replicates(&entries.scores, &entries.labels, bootstrap)?;
                metrics.intervals.extend(replicates.intervals()?.iter());
            }
            if metrics.pixel.is_ok() {
                let replicates = pixel_replicates(&entries.maps, bootstrap)?;
                metrics.intervals.extend(replicates.intervals()?.iter());
                if kind.is_none() {
                    self.pixel_replicates = Some(replicates);
                }
            }
        }
        self.metrics += started.elapsed();
        Ok(())
    }

    /// What metrics.json says of it; `model` is the one that was evaluated. A caller adds the seconds of its own stages.
    pub fn results(&self, model: &Model) -> Results {
        let core = model.core();
        let count = |wanted: fn(&EvaluatedImage) -> bool| self.images.iter().filter(|row| wanted(row)).count();
        Results {
            version: Results::VERSION,
            overall: self.overall.results(),
            n_failed: count(|row| row.score.is_err()),
            n_without_mask: count(|row| row.mask_error.is_some()),
            n_defect_out_of_view: count(|row| {
                row.image.is_anomalous && row.score.is_ok() && row.mask_error.is_none() && row.truth.is_none()
            }),
            kinds: self.kinds.iter().map(|(kind, metrics)| (kind.clone(), metrics.results())).collect(),
            thresholds: Some(model.thresholds()).filter(|thresholds| *thresholds != Thresholds::default()),
            seconds: [("scoring", self.scoring), ("metrics", self.metrics)]
                .map(|(stage, time)| (stage.to_owned(), time.as_secs_f64()))
                .into(),
            model: EvaluatedModel {
                mode: core.config().rules_name(),
                backbone: core.config().first().backbone.name().to_owned(),
                weights_sha256: core.weights_sha256().to_owned(),
                bank_rows: core.bank().len(),
                seed: core.config().seed,
                device: core.device().name(),
                precision: core.device().precision().name().to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        }
    }
}

/// What the metrics of all images are made of, or those of one kind and the good ones.
struct Entries<'a> {
    scores: Vec<f32>,
    labels: Vec<bool>,
    maps: Vec<LabelledMap<'a>>,
}

impl<'a> Entries<'a> {
    fn new(images: &'a [EvaluatedImage], kind: Option<&str>) -> Self {
        let wanted = |row: &&EvaluatedImage| !row.image.is_anomalous || kind.is_none_or(|kind| row.image.kind == kind);
        let mut entries = Self { scores: Vec::new(), labels: Vec::new(), maps: Vec::new() };
        for row in images.iter().filter(wanted) {
            if let Ok(score) = row.score {
                entries.scores.push(score);
                entries.labels.push(row.image.is_anomalous);
            }
            entries.maps.extend(row.labelled_map());
        }
        entries
    }
}

fn metrics_of(images: &[EvaluatedImage], kind: Option<&str>, threshold: Option<f32>) -> Result<Metrics, Error> {
    let Entries { scores, labels, maps } = Entries::new(images, kind);
    let n_anomalous = labels.iter().filter(|label| **label).count();
    Ok(Metrics {
        n_normal: labels.len() - n_anomalous,
        n_anomalous,
        image: image_metrics(&scores, &labels),
        pixel: pixel_metrics(&maps),
        confusion: threshold.map(|threshold| Confusion::at(threshold, &scores, &labels)).transpose()?,
        intervals: PerMetric::default(),
    })
}
