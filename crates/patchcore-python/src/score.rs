//! What a model says of a photo, each part made when it is asked for and then kept.

use numpy::{PyArray1, PyArrayMethods};
use patchcore::{IntervalOf, Remarks, Verdict};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::nearest::Nearest;
use crate::warn::warn_of;

/// How anomalous a photo is, where, and compared with what.
///
/// Maps and regions are made when they are first asked for. A score can be pickled; then all of it is made.
#[pyclass(frozen, module = "patchcore._patchcore")]
pub struct Score {
    /// What the parts are made of; `None` of a score that was pickled, whose parts are all there.
    made_of: Option<MadeOf>,
    parts: Py<PyDict>,
}

struct MadeOf {
    name: String,
    model: patchcore::Model,
    score: patchcore::Score,
}

/// The parts by name, in the order of their documentation.
const PARTS: [&str; 17] = [
    "name",
    "pred_score",
    "pred_label",
    "verdict",
    "confidence",
    "interval",
    "threshold",
    "pixel_threshold",
    "anomaly_map",
    "pred_mask",
    "seen",
    "input_map",
    "patch_scores",
    "worst_at",
    "nearest",
    "regions",
    "remarks",
];

impl Score {
    /// The score of a photo of that name.
    pub fn new(py: Python<'_>, name: String, model: patchcore::Model, score: patchcore::Score) -> Self {
        Self { made_of: Some(MadeOf { name, model, score }), parts: PyDict::new(py).unbind() }
    }

    /// Warns of what is odd about the photo.
    pub fn warn(&self, py: Python<'_>) -> PyResult<()> {
        self.made_of.as_ref().map_or(Ok(()), |made_of| warn_of(py, &made_of.remarks()))
    }

    fn part<'py>(&self, py: Python<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
        let parts = self.parts.bind(py);
        if let Some(part) = parts.get_item(name)? {
            return Ok(part);
        }
        let Some(made_of) = &self.made_of else {
            return Err(pyo3::exceptions::PyAttributeError::new_err(format!("a pickled score lacks its {name}")));
        };
        let part = made_of.part(py, name)?;
        parts.set_item(name, &part)?;
        Ok(part)
    }
}

impl MadeOf {
    fn remarks(&self) -> Remarks {
        let mut remarks = Remarks::default();
        remarks.note(&self.name, &self.score.remarks);
        remarks
    }

    fn part<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let Self { name: photo, model, score } = self;
        match name {
            "name" => photo.into_bound_py_any(py),
            "pred_score" => score.score.into_bound_py_any(py),
            "pred_label" => score.verdict.map(|verdict| verdict == Verdict::Anomalous).into_bound_py_any(py),
            "verdict" => score.verdict.map(Verdict::name).into_bound_py_any(py),
            "confidence" => score.confidence.into_bound_py_any(py),
            "interval" => {
                let interval = model.score_interval(score).filter(|interval| interval.of == IntervalOf::Score);
                interval.map(|interval| (interval.low, interval.high)).into_bound_py_any(py)
            }
            "threshold" => model.thresholds().image.map(|threshold| threshold.value).into_bound_py_any(py),
            "pixel_threshold" => model.map_scale().threshold.into_bound_py_any(py),
            "anomaly_map" => {
                let map = py.detach(|| score.on_photo().map);
                grid(py, map.scores, map.height, map.width)
            }
            "pred_mask" => {
                let threshold = model.map_scale().threshold;
                let (mask, height, width) = py.detach(|| {
                    let photo = score.on_photo();
                    let mut mask: Vec<bool> = photo.map.scores.iter().map(|value| *value > threshold).collect();
                    if let Some(seen) = &photo.seen {
                        mask.iter_mut().zip(seen).for_each(|(above, seen)| *above &= *seen);
                    }
                    (mask, photo.map.height, photo.map.width)
                });
                grid(py, mask, height, width)
            }
            "seen" => {
                let (seen, height, width) = py.detach(|| {
                    let photo = score.on_photo();
                    let (height, width) = (photo.map.height, photo.map.width);
                    (photo.seen.unwrap_or_else(|| vec![true; height * width]), height, width)
                });
                grid(py, seen, height, width)
            }
            "input_map" => grid(py, score.map.scores.clone(), score.map.height, score.map.width),
            "patch_scores" => grid(py, score.patches.scores.clone(), score.patches.rows, score.patches.columns),
            "worst_at" => score.worst_at.into_bound_py_any(py),
            "nearest" => Nearest::of(model, &score.nearest_good).into_bound_py_any(py),
            "regions" => self.regions(py, 0.0)?.into_bound_py_any(py),
            "remarks" => self.remarks().lines().collect::<Vec<_>>().into_bound_py_any(py),
            other => Err(pyo3::exceptions::PyAttributeError::new_err(format!("a score has no {other}"))),
        }
    }

    fn regions<'py>(&self, py: Python<'py>, min_area: f64) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| self.model.regions(&self.score, min_area));
        let regions = PyList::empty(py);
        for region in found {
            let row = PyDict::new(py);
            row.set_item("left", region.left)?;
            row.set_item("top", region.top)?;
            row.set_item("width", region.width)?;
            row.set_item("height", region.height)?;
            row.set_item("area", region.area)?;
            row.set_item("centroid", region.centroid)?;
            row.set_item("peak", region.peak)?;
            row.set_item("peak_at", region.peak_at)?;
            row.set_item("nearest", Nearest::of(&self.model, &region.nearest_good).into_bound_py_any(py)?)?;
            regions.append(row)?;
        }
        Ok(regions)
    }
}

/// An array `[height, width]`.
fn grid<T: numpy::Element>(py: Python<'_>, values: Vec<T>, height: usize, width: usize) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyArray1::from_vec(py, values).reshape([height, width])?.into_any())
}

#[pymethods]
impl Score {
    /// str: what the photo is called; of a file its path.
    #[getter]
    fn name<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "name")
    }

    /// float: the image score, in the unit of the model's distance; higher is worse.
    #[getter]
    fn pred_score<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "pred_score")
    }

    /// bool or None: whether the score is above the model's threshold; None for a model without one.
    #[getter]
    fn pred_label<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "pred_label")
    }

    /// str or None: "good", "look_again" or "anomalous"; None for a model without a threshold.
    #[getter]
    fn verdict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "verdict")
    }

    /// float or None: how far on its side of the threshold the score lies, in (0, 1), 0.5 at the threshold; it is no probability.
    #[getter]
    fn confidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "confidence")
    }

    /// tuple of float or None: between which values the score would lie against a bank of all patches of the fit; None where the coverage
    /// of the bank does not say.
    #[getter]
    fn interval<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "interval")
    }

    /// float or None: the model's threshold for image scores.
    #[getter]
    fn threshold<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "threshold")
    }

    /// float: the value of the map above which a pixel is in `pred_mask` and in a region.
    #[getter]
    fn pixel_threshold<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "pixel_threshold")
    }

    /// numpy.ndarray: float32 [H, W], a score for each pixel of the photo; 0 where nothing was looked at.
    #[getter]
    fn anomaly_map<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "anomaly_map")
    }

    /// numpy.ndarray: bool [H, W], the pixels of the photo whose score is above `pixel_threshold`.
    #[getter]
    fn pred_mask<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "pred_mask")
    }

    /// numpy.ndarray: bool [H, W], the pixels of the photo that were looked at: not those outside a crop or a region of interest.
    #[getter]
    fn seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "seen")
    }

    /// numpy.ndarray: float32 [h, w], the map as the network's input lies.
    #[getter]
    fn input_map<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "input_map")
    }

    /// numpy.ndarray: float32 [rows, columns], the scores of the patches, before they are grown to a map.
    #[getter]
    fn patch_scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "patch_scores")
    }

    /// tuple of float: column and row of the worst patch's centre in the photo, whose top left pixel has its centre at (0, 0).
    #[getter]
    fn worst_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "worst_at")
    }

    /// Nearest: the good patch that is nearest to the worst patch.
    #[getter]
    fn nearest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "nearest")
    }

    /// list of dict: connected areas of the map above `pixel_threshold`, the highest peak first, in pixels of the photo: left, top, width,
    /// height, area, centroid, peak, peak_at, nearest.
    #[getter]
    fn regions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "regions")
    }

    /// list of str: what is odd about the photo; as a rule nothing.
    #[getter]
    fn remarks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, "remarks")
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let verdict: Option<String> = self.part(py, "verdict")?.extract()?;
        let verdict = verdict.map(|verdict| format!(", {verdict}")).unwrap_or_default();
        Ok(format!("<Score: {}, {}{verdict}>", self.part(py, "name")?, self.part(py, "pred_score")?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        for name in PARTS {
            self.part(py, name)?;
        }
        let make = py.import("patchcore._patchcore")?.getattr("score_from_state")?;
        Ok((make, (self.parts.bind(py).copy()?,)))
    }
}

/// A score of its parts, for pickle.
#[pyfunction]
pub fn score_from_state(parts: Bound<'_, PyDict>) -> Score {
    Score { made_of: None, parts: parts.unbind() }
}
