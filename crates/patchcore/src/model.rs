//! The fitted model of an application: fit, score, save, load.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use patchcore_config::{BackboneWeights, Checked, Grid};
use patchcore_core::memory_bank::MemoryBank;
use patchcore_core::model_file::{DriftPolicy, ModelFile, Sections, TrainingPhoto};
use patchcore_core::passport::{Drift, ScorePassport};
use patchcore_core::{ComputeDevice, FittedOn, Fitter, ImageInput, ImageScore, Instructions, PatchCore, Precision};
use patchcore_io::{Geometry, Limits, NetworkInput, Photo, path_of_text, path_text};
use patchcore_metrics::threshold::Thresholds;

use crate::devices::{DEFAULT_DEVICE, open_device};
use crate::error::Error;
use crate::fit_in_progress::{FitInProgress, core_input};
use crate::input::prepare_photo;
use crate::progress::{Progress, ProgressFn, Stage};
use crate::score::{NearestGood, NearestPhoto, PatchScores, Score};
use crate::settings::Settings;
use crate::weights::resolve_weights;
use crate::write_file::write_beside_and_rename;

/// A fitted PatchCore: scores photos, knows its training photos, saves and loads. `Send + Sync`.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) core: PatchCore,
    pub(crate) weights: BackboneWeights,
    /// What its file says beside what decides its scores; the thresholds stand below.
    sections: Sections,
    pub(crate) thresholds: Thresholds,
}

/// How to load a model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    /// ONNX or safetensors file with the backbone's weights, for a model that does not carry them. Default: embedded, else
    /// the weights directory.
    pub weights: Option<PathBuf>,
    /// As in [`Settings::device`]. Default `flex`.
    pub device: String,
    /// Number format of the network. Default f32.
    pub precision: Precision,
    /// As in [`Settings::instructions`].
    pub instructions: Option<Instructions>,
    /// Load also where the device's results differ from the model's passport by more than its precision explains.
    /// [`Model::drift`] then says by how much.
    pub allow_drift: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            weights: None,
            device: DEFAULT_DEVICE.to_owned(),
            precision: Precision::F32,
            instructions: None,
            allow_drift: false,
        }
    }
}

/// What a fit from files did.
#[derive(Debug)]
#[non_exhaustive]
pub struct FitReport {
    /// The fitted model.
    pub model: Model,
    /// Photos that could not be used, with the reason.
    pub rejected: Vec<(String, Error)>,
    /// Time for decoding, features and embeddings.
    pub features: Duration,
    /// Time for the coreset.
    pub coreset: Duration,
}

impl Model {
    /// Fits on photos of good parts.
    ///
    /// # Errors
    /// [`Error`], for the first photo or setting at fault.
    pub fn fit<P: Into<Photo>>(settings: &Settings, photos: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let photos = photos.into_iter().enumerate().map(|(index, photo)| (format!("photo {index}"), Ok(photo.into())));
        let mut report = Self::fit_reporting(settings, photos, 0, &mut |_| std::ops::ControlFlow::Continue(()))?;
        match report.rejected.is_empty() {
            true => Ok(report.model),
            false => Err(report.rejected.swap_remove(0).1),
        }
    }

    /// Fits on named photos that may have failed to load: those are reported, the others are used. `total` is the
    /// number of photos if known (for the progress), else 0.
    ///
    /// # Errors
    /// [`Error::NoUsablePhoto`], and whatever is not a single photo's fault.
    pub fn fit_reporting(
        settings: &Settings,
        photos: impl IntoIterator<Item = (String, Result<Photo, Error>)>,
        total: usize,
        progress: &mut ProgressFn<'_>,
    ) -> Result<FitReport, Error> {
        let config = settings.config()?;
        let ready = |photo: Photo| prepare_photo(&photo, &config);
        let inputs = photos.into_iter().map(|(name, photo)| (name, photo.and_then(ready)));
        Self::fit_inputs(settings, inputs, total, progress)
    }

    /// [`Model::fit_reporting`] for photos that are prepared already, for a caller that decodes on other threads.
    ///
    /// # Errors
    /// As [`Model::fit_reporting`].
    pub fn fit_inputs(
        settings: &Settings,
        inputs: impl IntoIterator<Item = (String, Result<NetworkInput, Error>)>,
        total: usize,
        progress: &mut ProgressFn<'_>,
    ) -> Result<FitReport, Error> {
        let (config, device) = (settings.config()?, settings.compute_device()?);
        Self::fit_with(config, settings.load_weights()?, &device, inputs, total, progress)
    }

    /// [`Model::fit_inputs`] for settings that have been looked up already.
    pub(crate) fn fit_with(
        config: Checked,
        weights: BackboneWeights,
        device: &ComputeDevice,
        inputs: impl IntoIterator<Item = (String, Result<NetworkInput, Error>)>,
        total: usize,
        progress: &mut ProgressFn<'_>,
    ) -> Result<FitReport, Error> {
        let mut fit = FitInProgress::new(Fitter::new(config, &weights, device)?);
        let started = Instant::now();
        let mut tell = |fit: &FitInProgress| {
            let done = fit.images.len() + fit.rejected.len();
            let stop = progress(Progress { stage: Stage::Features, done, total }).is_break();
            if stop { Err(Error::Cancelled { what: "fit" }) } else { Ok(()) }
        };
        for (name, input) in inputs {
            fit.add(name, input)?;
            tell(&fit)?;
        }
        if !fit.waiting.is_empty() {
            fit.flush()?;
            tell(&fit)?;
        }
        let FitInProgress { fitter, images, mut rejected, .. } = fit;
        if images.is_empty() && !rejected.is_empty() {
            let count = rejected.len();
            let (name, first) = rejected.swap_remove(0);
            return Err(Error::NoUsablePhoto { count, name, first: Box::new(first) });
        }
        let features = started.elapsed();
        let started = Instant::now();
        let core = fitter
            .finish(&mut |done, total| progress(Progress { stage: Stage::Coreset, done, total }).is_continue())?;
        let photo = |name: String| TrainingPhoto { name, ..TrainingPhoto::default() };
        let mut sections = Sections::default();
        sections.photos = images.into_iter().map(photo).collect();
        let model = Self { core, weights, sections, thresholds: Thresholds::default() };
        model.tell_fallbacks();
        Ok(FitReport { model, rejected, features, coreset: started.elapsed() })
    }

    /// Scores one photo.
    ///
    /// # Errors
    /// [`Error::Image`] and [`Error::Score`].
    pub fn score(&self, photo: &Photo) -> Result<Score, Error> {
        self.score_input(&self.prepare(photo)?)
    }

    /// Resizes and crops a photo as the model wants it: the part of [`Model::score`] that another thread can do.
    ///
    /// # Errors
    /// [`Error::Image`].
    pub fn prepare(&self, photo: &Photo) -> Result<NetworkInput, Error> {
        prepare_photo(photo, self.core.config())
    }

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

    /// Scores a prepared photo.
    ///
    /// # Errors
    /// [`Error::Score`].
    pub fn score_input(&self, input: &NetworkInput) -> Result<Score, Error> {
        self.score_input_with(&self.core, input)
    }

    /// Scores a prepared photo with another core: this model without some of its bank.
    pub(crate) fn score_input_with(&self, core: &PatchCore, input: &NetworkInput) -> Result<Score, Error> {
        Ok(self.to_score(core, input, core.score_within(core_input(input), input.inside.as_deref())?))
    }

    /// Scores prepared photos, in order: on a GPU as many at once as its memory holds, on the CPU one by one. Photos with
    /// a region of interest, padding or tiles go one by one everywhere.
    ///
    /// # Errors
    /// [`Error::Score`], for the first photo at fault.
    pub fn score_inputs<'a>(&self, inputs: impl IntoIterator<Item = &'a NetworkInput>) -> Result<Vec<Score>, Error> {
        let inputs: Vec<&NetworkInput> = inputs.into_iter().collect();
        if !self.core.config().tiling.is_whole() || inputs.iter().any(|input| input.inside.is_some()) {
            return inputs.into_iter().map(|input| self.score_input(input)).collect();
        }
        let images: Vec<ImageInput<'_>> = inputs.iter().map(|input| core_input(input)).collect();
        let results = self.core.score_batch(&images)?;
        Ok(inputs.into_iter().zip(results).map(|(input, result)| self.to_score(&self.core, input, result)).collect())
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
    /// let model = Model::load("flange.patchcore", None, "flex")?;
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

    /// The core's result, as places in the photo and names of training photos.
    #[expect(clippy::indexing_slicing, reason = "a score has a worst cell, which has a nearest row of the bank")]
    fn to_score(&self, core: &PatchCore, input: &NetworkInput, result: ImageScore) -> Score {
        let columns = result.grid.columns;
        let nearest = result.nearest[result.worst_cell];
        let bank = core.members()[result.member].bank();
        assert!((nearest.row as usize) < bank.len(), "the worst patch was compared with a row of the bank");
        let origin = bank.origins().map(|origins| origins[nearest.row as usize]);
        let distance = core.config().distance.of_squared(nearest.squared_distance) as f32;
        Score {
            score: result.score,
            verdict: self.thresholds.image.map(|threshold| threshold.verdict(result.score)),
            worst_at: cell_in_photo(
                &input.geometry,
                result.grid,
                result.worst_cell / columns,
                result.worst_cell % columns,
            ),
            nearest_good: NearestGood {
                image: origin
                    .and_then(|at| self.sections.photos.get(at.image as usize))
                    .map(|photo| photo.name.clone()),
                origin,
                distance,
            },
            patches: PatchScores { rows: result.grid.rows, columns: result.grid.columns, scores: result.patch_scores },
            map: result.map,
            inside: input.inside.clone(),
            geometry: input.geometry,
        }
    }

    /// Writes the model: beside the old file, synced, renamed over it. `embed_weights` stores the backbone's weights
    /// with it, so that the file alone suffices.
    ///
    /// # Errors
    /// [`Error::Io`]; an old file of that name is then as it was.
    pub fn save(&self, path: impl AsRef<Path>, embed_weights: bool) -> Result<(), Error> {
        let path = path.as_ref();
        let refused = |source| Error::ModelFile { path: path.to_owned(), source };
        let file = self.to_file();
        let file = if embed_weights { file.with_weights(&self.core, &self.weights).map_err(refused)? } else { file };
        write_model_file(path, &file)
    }

    /// Loads a model in f32. `weights`: the weight file, for a model that does not carry its weights and whose backbone
    /// is neither embedded nor in the weights directory. `device`: as in [`Settings::device`].
    ///
    /// # Errors
    /// As [`Model::load_with`].
    pub fn load(path: impl AsRef<Path>, weights: Option<&Path>, device: &str) -> Result<Self, Error> {
        let weights = weights.map(Path::to_owned);
        Self::load_with(path, &LoadOptions { weights, device: device.to_owned(), ..LoadOptions::default() })
    }

    /// Loads a model and compares its device with the model's passport.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Weights`], [`Error::Device`], and [`Error::ModelFile`], also for a device whose results
    /// drift ([`ModelFileError::Drift`](patchcore_core::error::ModelFileError::Drift)).
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let weights = options.weights.as_deref();
        let refused = |source| Error::ModelFile { path: path.to_owned(), source };
        let file = Self::read(path)?;
        let device = open_device(&options.device, options.precision, options.instructions)?;
        let sections = file.sections.clone();
        let thresholds = sections.thresholds.unwrap_or_default();
        let weights = match file.weights() {
            Some(own) if weights.is_none() => own.clone(),
            _ => resolve_weights(file.header.config.first().backbone.name(), weights)?,
        };
        let drift = if options.allow_drift { DriftPolicy::Allow } else { DriftPolicy::Refuse };
        let core = file.into_model(Some(&weights), &device, drift).map_err(refused)?;
        let model = Self { core, weights, sections, thresholds };
        model.tell_fallbacks();
        Ok(model)
    }

    /// Reads and verifies a model file without putting it on a device.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::ModelFile`].
    pub fn read(path: impl AsRef<Path>) -> Result<ModelFile, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
            remedy: "give the path of a model that `patchcore fit` wrote",
        })?;
        ModelFile::from_bytes(&bytes).map_err(|source| Error::ModelFile { path: path.to_owned(), source })
    }

    /// What a saved file would hold, without weights.
    pub fn to_file(&self) -> ModelFile {
        let mut file = ModelFile::new(&self.core);
        let mut sections = self.sections.clone();
        sections.passport = file.sections.passport.take();
        sections.fit = file.sections.fit.take();
        sections.good_quantiles = file.sections.good_quantiles.take();
        // A model without any threshold has no such section in its file.
        sections.thresholds = (self.thresholds != Thresholds::default()).then_some(self.thresholds);
        file.sections = sections;
        file
    }

    /// The settings of its fit, every rule resolved.
    pub fn config(&self) -> &Checked {
        self.core.config()
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        self.core.device()
    }

    /// What this device's engine cannot run of the model's network, and who does instead, slower; empty where it runs everything.
    pub fn fallbacks(&self) -> Vec<String> {
        self.core.fallbacks().map(ToString::to_string).collect()
    }

    /// Says once what another engine does, as a warning of the crate `tracing`.
    fn tell_fallbacks(&self) {
        #[cfg(feature = "tracing")]
        self.fallbacks().iter().for_each(|fallback| tracing::warn!("{fallback}"));
    }

    /// What it was fitted on.
    pub fn fitted_on(&self) -> FittedOn {
        self.core.fitted_on()
    }

    /// The memory bank.
    pub fn bank(&self) -> &MemoryBank {
        self.core.bank()
    }

    /// Digest of the weights it was fitted with.
    pub fn weights_sha256(&self) -> &str {
        self.core.weights_sha256()
    }

    /// What the device of the fit computed for a few pictures; `None` for a model file of format version 1.
    pub fn passport(&self) -> Option<&ScorePassport> {
        self.core.passport()
    }

    /// How far this device's results lie from the passport; `None` unless the model was loaded with one.
    pub fn drift(&self) -> Option<Drift> {
        self.core.drift()
    }

    /// Peak bytes of a fit of so many patches: the sum stands at
    /// [`Fitter::memory_bytes`](patchcore_core::Fitter::memory_bytes).
    pub fn fit_memory_bytes(patches: usize, config: &Checked) -> u64 {
        Fitter::memory_bytes(patches, config)
    }

    /// The method's own model, for this project's tests and benches. Its type changes with `patchcore-core`, whose tensors are
    /// Burn's: an application that wants those depends on that crate.
    #[doc(hidden)]
    pub fn core(&self) -> &PatchCore {
        &self.core
    }

    /// Names of the training photos; of files, their paths as [`path_text`] writes them.
    pub fn training_images(&self) -> Vec<String> {
        self.sections.photos.iter().map(|photo| photo.name.clone()).collect()
    }

    /// The training photos, in the order of the fit; of files, the names are their paths as [`path_text`] writes them.
    pub fn training_photos(&self) -> &[TrainingPhoto] {
        &self.sections.photos
    }
}

/// Writes a model file beside the old one and renames.
pub(crate) fn write_model_file(path: &Path, file: &ModelFile) -> Result<(), Error> {
    let bytes = file.to_bytes().map_err(|source| Error::ModelFile { path: path.to_owned(), source })?;
    write_beside_and_rename(path, &bytes)
}

/// The centre of a grid cell in the photo: column, row.
fn cell_in_photo(geometry: &Geometry, grid: Grid, row: usize, column: usize) -> (f64, f64) {
    let centre = |cell: usize, cells: usize, pixels: u32| (cell as f64 + 0.5) * f64::from(pixels) / cells as f64 - 0.5;
    let x = centre(column, grid.columns, geometry.input.width);
    geometry.to_original(x, centre(row, grid.rows, geometry.input.height))
}
