//! A fitted model: made by a fit, a file or bytes, and never changed.
//!
//! It is long because a class of Python has all its methods in one place, with what Python shows of them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use patchcore::metrics::METRICS;
use patchcore::{
    CalibrateOptions, DataSet, Error, EvaluateOptions, Limits, LoadOptions, ModelFile, Photo, PhotoSource, Progress,
    Remarks, Save, Stage, WeightsFile,
};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::changes::{self, ChangeReport, Rows};
use crate::errors::{of_model_file, of_photo, raised};
use crate::fit::{FitReport, Told, fit};
use crate::foreign_bank;
use crate::photo::Pixels;
use crate::photos::{PathIs, Photos};
use crate::score::Score;
use crate::scores::Scores;
use crate::stop::Stop;
use crate::threads::threads;
use crate::warn::{warn, warn_of};
use crate::watch::Watch;

/// A fitted model, which scores photos. It never changes, and any number of threads may use it at once.
#[pyclass(frozen, module = "patchcore._patchcore")]
pub struct Model {
    model: patchcore::Model,
    /// As many as were asked for, to be told to whoever unpickles it.
    threads: Option<usize>,
    /// Digest of what the fit computed, from the first time on that it is asked for.
    digest: OnceLock<String>,
}

impl Model {
    fn new(model: patchcore::Model, threads: Option<usize>) -> Self {
        Self { model, threads, digest: OnceLock::new() }
    }

    fn digest(&self, py: Python<'_>) -> PyResult<&str> {
        if let Some(digest) = self.digest.get() {
            return Ok(digest);
        }
        let computed = py.detach(|| ModelFile::new(self.model.core()).computed_sha256());
        let path = PathBuf::from("model in memory");
        let digest = computed.map_err(|source| raised(&Error::ModelFile { path, source }))?;
        Ok(self.digest.get_or_init(|| digest))
    }
}

#[pymethods]
impl Model {
    /// Fits on photos of good parts.
    ///
    /// Parameters
    /// ----------
    /// photos
    ///     A folder, a data set or a manifest (its photos of good parts), or any iterable of photos: paths, bytes of image files, arrays
    ///     [h, w] or [h, w, c], pictures of PIL, each of them also as a pair (name, photo).
    /// settings : dict
    ///     Settings by name; `setting_names()` lists them.
    /// progress : callable, optional
    ///     Called with the stage's name, how much is done and how much there is in all, 0 where that is not known. Returning False
    ///     cancels the fit.
    /// threads : int, optional
    ///     Threads that compute. Without it as many as the process may use.
    /// total : int, optional
    ///     How many photos an iterator has, for the progress.
    ///
    /// Returns
    /// -------
    /// tuple of Model and FitReport
    #[staticmethod]
    #[pyo3(name = "fit", signature = (photos, settings, *, progress = None, threads = None, total = None))]
    fn of_fit(
        photos: &Bound<'_, PyAny>,
        settings: &Bound<'_, PyAny>,
        progress: Option<Py<PyAny>>,
        threads: Option<usize>,
        total: Option<usize>,
    ) -> PyResult<(Self, FitReport)> {
        let (model, report) = fit(photos, settings, Told { progress, threads, total })?;
        Ok((Self::new(model, threads), report))
    }

    /// A model of a bank that another program has made. It knows no photo, no coverage and no scores of good photos.
    ///
    /// Parameters
    /// ----------
    /// rows : array_like
    ///     float32 [rows, values of an embedding]: what a fit with these settings would keep.
    /// settings : dict
    ///     Settings by name, with one network and a mode other than `line`: what a score is.
    /// weights : bytes, optional
    ///     A safetensors file with the network's weights, under torchvision's or timm's names. Without it those of the settings.
    /// image_threshold, pixel_threshold : float, optional
    ///     In the unit of the scores; what is greater is anomalous.
    /// threads : int, optional
    ///     Threads that compute. Without it as many as the process may use.
    ///
    /// Returns
    /// -------
    /// Model
    ///
    /// Raises
    /// ------
    /// PatchCoreError
    ///     Rows or weights that are not of these settings.
    #[staticmethod]
    #[pyo3(signature = (rows, settings, *, weights = None, image_threshold = None, pixel_threshold = None, threads = None))]
    fn of_bank(
        rows: &Bound<'_, PyAny>,
        settings: &Bound<'_, PyAny>,
        weights: Option<PyBackedBytes>,
        image_threshold: Option<f32>,
        pixel_threshold: Option<f32>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let told = foreign_bank::Told { weights, image_threshold, pixel_threshold, threads };
        Ok(Self::new(foreign_bank::of_bank(rows, settings, told)?, threads))
    }

    /// Loads a model's file.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    /// device : str
    ///     Where to compute.
    /// threads : int, optional
    ///     Threads that compute. Without it as many as the process may use.
    /// weights : str, os.PathLike or dict, optional
    ///     The file with the network's weights, for a model that does not carry them; of several networks a dict of names and files.
    ///
    /// Raises
    /// ------
    /// ModelFileError
    #[staticmethod]
    #[pyo3(signature = (path, *, device = "cpu", threads = None, weights = None))]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        device: &str,
        threads: Option<usize>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options = load_options(py, device, threads, weights)?;
        let model = py.detach(|| patchcore::Model::load_with(&path, &options));
        Ok(Self::new(model.map_err(|error| of_model_file(&error))?, threads))
    }

    /// The model in the bytes of a file. Parameters as of `load`.
    #[staticmethod]
    #[pyo3(signature = (data, *, device = "cpu", threads = None, weights = None))]
    fn from_bytes(
        py: Python<'_>,
        data: PyBackedBytes,
        device: &str,
        threads: Option<usize>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options = load_options(py, device, threads, weights)?;
        let model = py.detach(|| patchcore::Model::from_bytes(&data, &options));
        Ok(Self::new(model.map_err(|error| of_model_file(&error))?, threads))
    }

    /// The bytes of the model's file; without the network's weights whoever loads them needs these.
    #[pyo3(signature = (*, with_weights = true))]
    fn to_bytes<'py>(&self, py: Python<'py>, with_weights: bool) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.model.to_bytes(save(with_weights))).map_err(|error| raised(&error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Writes the model: beside an old file, synced, renamed over it.
    #[pyo3(signature = (path, *, with_weights = false))]
    fn save(&self, py: Python<'_>, path: PathBuf, with_weights: bool) -> PyResult<()> {
        py.detach(|| self.model.save(&path, save(with_weights))).map_err(|error| of_model_file(&error))
    }

    /// Scores one photo.
    ///
    /// A C-contiguous array of uint8, grey or RGB, is read where it lies: nothing may write into it until the score is there.
    ///
    /// Parameters
    /// ----------
    /// photo
    ///     A path, bytes of an image file, an array [h, w] or [h, w, c], a picture of PIL, or a pair (name, photo).
    /// name : str, optional
    ///     What errors and the score call it.
    ///
    /// Raises
    /// ------
    /// PhotoError
    #[pyo3(name = "predict", signature = (photo, *, name = None))]
    fn predict(&self, py: Python<'_>, photo: &Bound<'_, PyAny>, name: Option<String>) -> PyResult<Score> {
        let found = crate::photo::photo(photo, name.as_deref().unwrap_or("photo"), Pixels::Shared)?;
        let name = name.or(found.name).unwrap_or_else(|| "photo".to_owned());
        let source = found.source.map_err(|error| of_photo(&name, &error))?;
        let scored = py.detach(|| self.model.score(&decoded(source)?)).map_err(|error| of_photo(&name, &error))?;
        let score = Score::new(py, name, self.model.clone(), scored);
        score.warn(py)?;
        Ok(score)
    }

    /// Scores photos as they come, decoded ahead: an iterator of pairs of a name and a Score, or of a name and the exception of a photo that
    /// failed. Photos are pulled some way ahead of their scores.
    fn scores(&self, photos: &Bound<'_, PyAny>) -> PyResult<Scores> {
        Scores::new(&self.model, Photos::new(photos, PathIs::Scored)?)
    }

    /// The scores of photos.
    ///
    /// Parameters
    /// ----------
    /// photos
    ///     A folder, a path, or any iterable of photos.
    /// progress : callable, optional
    ///     As in `fit`.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     float32 [n].
    ///
    /// Raises
    /// ------
    /// PhotoError
    ///     For the first photo that fails, by its name.
    #[pyo3(signature = (photos, *, progress = None))]
    fn score_array<'py>(
        &self,
        photos: &Bound<'py, PyAny>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let py = photos.py();
        let photos = Photos::new(photos, PathIs::Scored)?;
        let total = photos.count().unwrap_or(0);
        let stop = Arc::new(Stop::default());
        let mut watch = Watch::new(py, progress, Arc::clone(&stop))?;
        let photos = photos.pulled(&stop);
        let (mut values, mut remarks, mut failed) = (Vec::with_capacity(total), Remarks::default(), None);
        py.detach(|| {
            for scored in self.model.scores(photos) {
                match scored.result {
                    Ok(score) => {
                        remarks.note(&scored.name, &score.remarks);
                        values.push(score.score);
                    }
                    Err(error) => {
                        failed = Some((scored.name, error));
                        return;
                    }
                }
                if watch.tell(Progress::new(Stage::Scoring, values.len(), total)).is_break() {
                    return;
                }
            }
        });
        stop.outcome("scoring", Ok(()))?;
        if let Some((name, error)) = failed {
            return Err(of_photo(&name, &error));
        }
        watch.end_stage(py)?;
        warn_of(py, &remarks)?;
        Ok(PyArray1::from_vec(py, values))
    }

    /// The model with thresholds that keep a rate of false alarms, from photos of good parts that it has not seen.
    ///
    /// Parameters
    /// ----------
    /// photos
    ///     As in `fit`.
    /// fpr : float
    ///     At most this share of good parts is called anomalous ...
    /// confidence : float
    ///     ... with this confidence.
    /// progress : callable, optional
    ///     As in `fit`.
    ///
    /// Raises
    /// ------
    /// PatchCoreError
    ///     Too few photos for this promise, or a photo of the fit.
    #[pyo3(signature = (photos, *, fpr, confidence = 0.95, progress = None))]
    fn calibrate(
        &self,
        photos: &Bound<'_, PyAny>,
        fpr: f64,
        confidence: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let py = photos.py();
        let photos = Photos::new(photos, PathIs::Good)?;
        let stop = Arc::new(Stop::default());
        let mut watch = Watch::new(py, progress, Arc::clone(&stop))?;
        let photos = photos.pulled(&stop);
        let result = py.detach(|| {
            let options = CalibrateOptions::default().progress(|progress| watch.tell(progress));
            self.model.calibrate(photos, options)
        });
        let report = stop.outcome("calibration", result)?;
        watch.end_stage(py)?;
        for (name, error) in &report.rejected {
            warn(py, &format!("left out of the calibration: {}", of_photo(name, error).value(py)))?;
        }
        warn_of(py, &report.remarks)?;
        for good in report.outliers() {
            let found = format!("{} stands apart from the other good photos (it scores {})", good.image, good.score);
            warn(py, &format!("{found}: look at it, it may not be good"))?;
        }
        if report.uncovered > 0 {
            let of = report.scores.len();
            let found = format!("{} of {of} good photos are farther from the fit than its own are", report.uncovered);
            warn(py, &format!("{found}: it does not cover what is normal; fit on more photos"))?;
        }
        let thresholds = report.thresholds(fpr, confidence).map_err(|error| raised(&error))?;
        let model = self.model.clone().with_thresholds(thresholds).map_err(|error| raised(&error))?;
        Ok(Self::new(model, self.threads))
    }

    /// Judges the model on a data set with its truth.
    ///
    /// Parameters
    /// ----------
    /// data : str or os.PathLike
    ///     A data set (MVTec AD and its kin, VisA, BTAD, KolektorSDD) or a manifest.
    /// progress : callable, optional
    ///     As in `fit`.
    ///
    /// Returns
    /// -------
    /// dict of str and float
    ///     The metrics that are defined on this set, by the keys of metrics.json, and `images`, how many were scored.
    #[pyo3(signature = (data, *, progress = None))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        data: PathBuf,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let opened = py.detach(|| DataSet::open(&data).and_then(|set| set.labelled().map(drop).map(|()| set)));
        let set = opened.map_err(|error| raised(&error.into()))?;
        set.remarks.iter().try_for_each(|remark| warn(py, &remark.to_string()))?;
        let stop = Arc::new(Stop::default());
        let mut watch = Watch::new(py, progress, Arc::clone(&stop))?;
        let result = py.detach(|| {
            let options = EvaluateOptions::default().progress(|progress| watch.tell(progress));
            self.model.evaluate(&set, options)
        });
        let evaluation = stop.outcome("evaluation", result)?;
        watch.end_stage(py)?;
        for row in &evaluation.images {
            if let Some(error) = row.score.as_ref().err().or(row.mask_error.as_ref()) {
                warn(py, &of_photo(&row.image.relative, error).value(py).to_string())?;
            }
        }
        warn_of(py, &evaluation.remarks())?;
        let (image, pixel) = (evaluation.overall.image.as_ref(), evaluation.overall.pixel.as_ref());
        for reason in [image.err(), pixel.err()].into_iter().flatten() {
            warn(py, &format!("metrics are missing: {reason}"))?;
        }
        let found = PyDict::new(py);
        for metric in &METRICS {
            if let Some(value) = metric.value(image.ok(), pixel.ok()) {
                found.set_item(metric.key, value)?;
            }
        }
        found.set_item("images", evaluation.images.iter().filter(|row| row.score.is_ok()).count())?;
        Ok(found)
    }

    /// The model with further photos of good parts: rows are added to its banks, and none goes.
    ///
    /// Parameters
    /// ----------
    /// photos
    ///     As in `fit`. Those that the model has already change nothing.
    /// ratio : float, optional
    ///     Share of the new patches that each bank gains. At most one of this and the next two is said.
    /// bank_rows : int, optional
    ///     Rows that each bank has in all afterwards.
    /// coverage : float, optional
    ///     Rows are added until no new patch is further than this from its nearest row.
    /// date : str, optional
    ///     When it is done, for the model's history.
    /// progress : callable, optional
    ///     As in `fit`.
    ///
    /// Returns
    /// -------
    /// tuple of Model and ChangeReport
    #[pyo3(signature = (photos, *, ratio = None, bank_rows = None, coverage = None, date = None, progress = None))]
    fn extend(
        &self,
        photos: &Bound<'_, PyAny>,
        ratio: Option<f64>,
        bank_rows: Option<usize>,
        coverage: Option<f64>,
        date: Option<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, ChangeReport)> {
        let rows = Rows { ratio, bank_rows, coverage };
        let (model, report) = changes::extend(&self.model, photos, rows, changes::Told { progress, date })?;
        Ok((Self::new(model, self.threads), report))
    }

    /// The model without some photos of its fit, and without their copies.
    ///
    /// Parameters
    /// ----------
    /// photos : str, os.PathLike or iterable of these
    ///     Their names, as `photos` has them, or digests of their pixels (64 hex digits, or the first 8 or more).
    /// cover_with : optional
    ///     Photos of the fit, as in `fit`: rows are added from those that stay until the banks cover them as before.
    /// date, progress
    ///     As in `extend`.
    ///
    /// Returns
    /// -------
    /// tuple of Model and ChangeReport
    #[pyo3(signature = (photos, *, cover_with = None, date = None, progress = None))]
    fn forget(
        &self,
        photos: &Bound<'_, PyAny>,
        cover_with: Option<&Bound<'_, PyAny>>,
        date: Option<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, ChangeReport)> {
        let names = changes::names(photos)?;
        let told = changes::Told { progress, date };
        let (model, report) = changes::forget(photos.py(), &self.model, &names, cover_with, told)?;
        Ok((Self::new(model, self.threads), report))
    }

    /// One model of several that compute the same: the rows of all banks. Its thresholds are stale.
    ///
    /// Parameters
    /// ----------
    /// models : sequence of Model
    ///     Two or more.
    /// bank_rows : int, optional
    ///     Rows that each bank keeps of them, chosen again.
    /// ratio : float, optional
    ///     Share of all patches that each bank keeps, instead.
    /// date, progress
    ///     As in `extend`.
    ///
    /// Returns
    /// -------
    /// Model
    #[staticmethod]
    #[pyo3(signature = (models, *, bank_rows = None, ratio = None, date = None, progress = None))]
    fn merge(
        py: Python<'_>,
        models: Vec<Py<Self>>,
        bank_rows: Option<usize>,
        ratio: Option<f64>,
        date: Option<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let opened: Vec<patchcore::Model> = models.iter().map(|model| model.get().model.clone()).collect();
        let rows = Rows { ratio, bank_rows, coverage: None };
        let model = changes::merge(py, &opened, &rows, changes::Told { progress, date })?;
        Ok(Self::new(model, models.first().and_then(|first| first.get().threads)))
    }

    /// The model with its coverage measured again, exactly, over the photos of its fit.
    ///
    /// Parameters
    /// ----------
    /// photos
    ///     As in `fit`: all photos of the fit, and no others.
    /// progress : callable, optional
    ///     As in `fit`.
    ///
    /// Returns
    /// -------
    /// Model
    #[pyo3(signature = (photos, *, progress = None))]
    fn measure_coverage(&self, photos: &Bound<'_, PyAny>, progress: Option<Py<PyAny>>) -> PyResult<Self> {
        Ok(Self::new(changes::measure(&self.model, photos, progress)?, self.threads))
    }

    /// list of dict: how far the patches of the fit lie from each bank: radius (no patch lies further), is_exact (measured, else a bound),
    /// quantiles, patches. Empty where it is not known.
    #[getter]
    fn coverage<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        changes::coverage(py, &self.model)
    }

    /// float or None: the image threshold of before a change that has broken its promise; no score is judged by it.
    #[getter]
    fn stale_threshold(&self) -> Option<f32> {
        self.model.stale_thresholds()?.thresholds.image.map(|threshold| threshold.value)
    }

    /// list of tuple of str: the settings of the fit, every rule resolved, as rows of name and value.
    #[getter]
    fn config_rows(&self) -> Vec<(&'static str, String)> {
        self.model.config().described()
    }

    /// float or None: the threshold for image scores, above which a part is called anomalous.
    #[getter]
    fn threshold(&self) -> Option<f32> {
        self.model.thresholds().image.map(|threshold| threshold.value)
    }

    /// int: rows of all memory banks together.
    #[getter]
    fn bank_rows(&self) -> usize {
        self.model.banks().iter().map(|bank| bank.len()).sum()
    }

    /// list of numpy.ndarray: the rows of each memory bank, float32 [rows, values of an embedding], copied.
    #[getter]
    fn banks<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let arrays = self.model.banks().into_iter();
        arrays.map(|bank| PyArray1::from_slice(py, bank.rows()).reshape([bank.len(), bank.dim()])).collect()
    }

    /// list of str: names of the photos of the fit.
    #[getter]
    fn photos(&self) -> Vec<String> {
        self.model.training_photos().iter().map(|photo| photo.name.clone()).collect()
    }

    /// str: digest of the weights that it was fitted with, 64 hex digits.
    #[getter]
    fn weights_sha256(&self) -> String {
        self.model.weights_sha256()
    }

    /// str: digest of what the fit computed, 64 hex digits: two models of one digest give the same scores. Thresholds do not change it.
    #[getter]
    fn computed_sha256(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.digest(py)?.to_owned())
    }

    /// str: where it computes.
    #[getter]
    fn device(&self) -> String {
        self.model.device().name()
    }

    /// str: version of the engine.
    #[getter]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn __repr__(&self) -> String {
        let model = &self.model;
        let config = model.config();
        let networks: Vec<&str> = model.core().extractor().networks().map(|(name, _)| name).collect();
        let threshold =
            self.threshold().map_or_else(|| "no threshold".to_owned(), |value| format!("threshold {value}"));
        let fitted_on = model.fitted_on();
        let fitted_on = match fitted_on.is_known() {
            false => "a bank from elsewhere".to_owned(),
            true => format!("{} photos", fitted_on.images),
        };
        format!(
            "<Model: {}, {}, {fitted_on}, {} rows, {threshold}>",
            config.rules_name(),
            networks.join(" + "),
            self.bank_rows()
        )
    }

    /// Two models are equal that give the same scores and verdicts.
    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Self>() else { return Ok(false) };
        let other = other.get();
        Ok(self.model.thresholds() == other.model.thresholds() && self.digest(py)? == other.digest(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let digits = self.digest(py)?.get(..16).unwrap_or_default();
        Ok(u64::from_str_radix(digits, 16).unwrap_or_default())
    }

    /// It never changes: a copy is the model itself.
    fn __copy__(model: Py<Self>) -> Py<Self> {
        model
    }

    fn __deepcopy__(model: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        model
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let make = py.import("patchcore._patchcore")?.getattr("model_from_bytes")?;
        let arguments = (self.to_bytes(py, true)?, self.device(), self.threads).into_pyobject(py)?;
        Ok((make, arguments))
    }
}

/// The model in pickled bytes.
#[pyfunction]
pub fn model_from_bytes(py: Python<'_>, data: PyBackedBytes, device: &str, threads: Option<usize>) -> PyResult<Model> {
    Model::from_bytes(py, data, device, threads, None)
}

fn save(with_weights: bool) -> Save {
    if with_weights { Save::WithWeights } else { Save::WithoutWeights }
}

fn load_options(
    py: Python<'_>,
    device: &str,
    count: Option<usize>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<LoadOptions> {
    let options = LoadOptions::default().device(device).on(threads(py, count)?);
    let Some(weights) = weights else { return Ok(options) };
    let Ok(files) = weights.cast::<PyDict>() else {
        return Ok(options.weights(WeightsFile::from(weights.extract::<PathBuf>()?)));
    };
    files.iter().try_fold(options, |options, (network, file)| {
        Ok(options.weights(WeightsFile::of(network.extract::<String>()?, file.extract::<PathBuf>()?)))
    })
}

/// The photo of a source.
fn decoded(source: PhotoSource) -> Result<Photo, Error> {
    let limits = Limits::default();
    Ok(match source {
        PhotoSource::Photo(photo) => photo,
        PhotoSource::Path(path) => Photo::open(&path, &limits)?,
        PhotoSource::Encoded { name, bytes } => Photo::decode(&name, &bytes, &limits)?,
        _ => unreachable!("Python has photos, paths and files' bytes"),
    })
}
