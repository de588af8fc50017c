//! Metrics of `patchcore-metrics` over numpy arrays, which are read where they lie while the interpreter is free.

use numpy::{PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use patchcore::metrics::{AUPIMO_BOUNDS, LabelledMap, MetricError};
use pyo3::prelude::*;

use crate::array::{as_array, contiguous, described, kind_of};
use crate::errors::PatchCoreError;
use crate::shared_array::SharedArray;
use crate::threads::threads;

fn refused(text: String) -> PyErr {
    PatchCoreError::new_err(text)
}

fn outcome<T>(result: Result<T, MetricError>) -> PyResult<T> {
    result.map_err(|error| refused(error.to_string()))
}

/// Area under the ROC curve: the probability that an anomalous entry scores above a normal one, ties counting half.
///
/// Parameters
/// ----------
/// scores : array_like of float, any shape
///     Higher is more anomalous. Taken as float32.
/// labels : array_like of bool or of 0 and 1, the same number of entries
///     What is anomalous.
///
/// Returns
/// -------
/// float
#[pyfunction]
pub fn auroc(py: Python<'_>, scores: Bound<'_, PyAny>, labels: Bound<'_, PyAny>) -> PyResult<f64> {
    over_scores(py, &scores, &labels, patchcore::metrics::auroc)
}

/// Average precision, as scikit-learn's `average_precision_score`.
///
/// Parameters and result as of `auroc`.
#[pyfunction]
pub fn average_precision(py: Python<'_>, scores: Bound<'_, PyAny>, labels: Bound<'_, PyAny>) -> PyResult<f64> {
    over_scores(py, &scores, &labels, patchcore::metrics::average_precision)
}

/// The largest F1 over all thresholds.
///
/// Parameters and result as of `auroc`.
#[pyfunction]
pub fn f1_max(py: Python<'_>, scores: Bound<'_, PyAny>, labels: Bound<'_, PyAny>) -> PyResult<f64> {
    over_scores(py, &scores, &labels, |scores, labels| Ok(patchcore::metrics::f1_max(scores, labels)?.f1))
}

/// The threshold of the largest F1: entries with `score >= threshold` are called anomalous. It is chosen on what it is judged by.
///
/// Parameters and result as of `auroc`.
#[pyfunction]
pub fn f1_max_threshold(py: Python<'_>, scores: Bound<'_, PyAny>, labels: Bound<'_, PyAny>) -> PyResult<f64> {
    over_scores(py, &scores, &labels, |scores, labels| {
        Ok(f64::from(patchcore::metrics::f1_max(scores, labels)?.threshold))
    })
}

/// Area under the per-region overlap curve up to a rate of false positives, divided by that rate.
///
/// Parameters
/// ----------
/// maps : sequence of array_like of float [h, w], or one array [n, h, w]
///     Anomaly maps, higher is more anomalous. Taken as float32.
/// masks : sequence of array_like [h, w] or None, or one array [n, h, w]
///     What is defective: whatever is not 0. None: nothing, of a good photo.
/// limit : float
///     The largest rate of false positives, in (0, 1].
///
/// Returns
/// -------
/// float
#[pyfunction]
#[pyo3(signature = (maps, masks, limit = 0.3))]
pub fn aupro(py: Python<'_>, maps: Bound<'_, PyAny>, masks: Bound<'_, PyAny>, limit: f64) -> PyResult<f64> {
    over_maps(py, &maps, &masks, |maps| Ok(patchcore::metrics::aupro(maps, &[limit])?.iter().sum()))
}

/// Area under the per-image overlap curve between two rates of false positives of good photos, the mean over the defective photos.
///
/// Parameters
/// ----------
/// maps, masks
///     As of `aupro`.
/// bounds : tuple of float
///     The two rates, the lower one first.
///
/// Returns
/// -------
/// float
#[pyfunction]
#[pyo3(signature = (maps, masks, bounds = None))]
pub fn aupimo(
    py: Python<'_>,
    maps: Bound<'_, PyAny>,
    masks: Bound<'_, PyAny>,
    bounds: Option<(f64, f64)>,
) -> PyResult<f64> {
    let bounds = bounds.map_or(AUPIMO_BOUNDS, |(lower, upper)| [lower, upper]);
    over_maps(py, &maps, &masks, |maps| Ok(patchcore::metrics::aupimo(maps, bounds)?.mean))
}

fn over_scores(
    py: Python<'_>,
    scores: &Bound<'_, PyAny>,
    labels: &Bound<'_, PyAny>,
    metric: impl Fn(&[f32], &[bool]) -> Result<f64, MetricError> + Send + Sync,
) -> PyResult<f64> {
    let scores = floats("scores", &as_array(scores)?)?;
    let labels = labels_of(&as_array(labels)?)?;
    let threads = threads(py, None)?;
    outcome(py.detach(|| threads.run(|| metric(&scores, &labels))))
}

fn over_maps(
    py: Python<'_>,
    maps: &Bound<'_, PyAny>,
    masks: &Bound<'_, PyAny>,
    metric: impl Fn(&[LabelledMap<'_>]) -> Result<f64, MetricError> + Send + Sync,
) -> PyResult<f64> {
    let mut found = Vec::new();
    for (index, map) in maps.try_iter()?.enumerate() {
        let map = as_array(&map?)?;
        let &[height, width] = map.shape() else {
            return Err(refused(format!("map {index} is {}, expected [h, w]", described(&map))));
        };
        found.push((height, width, floats(&format!("map {index}"), &map)?));
    }
    let mut truths = Vec::new();
    for (index, mask) in masks.try_iter()?.enumerate() {
        let mask = mask?;
        if mask.is_none() {
            truths.push(None);
            continue;
        }
        let mask = as_array(&mask)?;
        let shape = found.get(index).map(|(height, width, _)| [*height, *width]);
        if let Some(expected) = shape.filter(|expected| mask.shape() != expected) {
            return Err(refused(format!("mask {index} is {}, expected {expected:?} like its map", described(&mask))));
        }
        truths.push(Some(is_set(&format!("mask {index}"), &mask)?));
    }
    if truths.len() != found.len() {
        let (maps, masks) = (found.len(), truths.len());
        return Err(refused(format!(
            "{maps} maps and {masks} masks: pass a mask for each map, or None for a good photo"
        )));
    }
    let threads = threads(py, None)?;
    outcome(py.detach(|| {
        let maps: Vec<LabelledMap<'_>> = found
            .iter()
            .zip(&truths)
            .map(|((height, width, scores), mask)| LabelledMap {
                width: *width,
                height: *height,
                scores,
                mask: mask.as_deref().filter(|mask| mask.contains(&true)),
                inside: None,
            })
            .collect();
        threads.run(|| metric(&maps))
    }))
}

/// Numbers of any type as f32, where they lie if they are.
fn floats(name: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<SharedArray<f32>> {
    if !matches!(kind_of(array).0, b'f' | b'u' | b'i' | b'b') {
        return Err(refused(format!("{name}: {}, expected numbers", described(array))));
    }
    SharedArray::new(&contiguous(array)?).ok_or_else(|| refused(format!("{name} cannot be laid out in one piece")))
}

/// What is not 0.
fn is_set(name: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<bool>> {
    let py = array.py();
    match kind_of(array) {
        // Read as bytes: those of a numpy bool may be any.
        (b'b', _) => {
            let bytes = array.call_method1("view", ("uint8",))?;
            set_bytes(py, &contiguous::<u8>(&bytes)?)
        }
        (b'u', 1) => set_bytes(py, &contiguous::<u8>(array)?),
        (b'u' | b'i' | b'f', _) => {
            let values = contiguous::<f64>(array)?.to_vec()?;
            Ok(values.into_iter().map(|value| value != 0.0).collect())
        }
        _ => Err(refused(format!("{name}: {}, expected bool or numbers", described(array)))),
    }
}

fn set_bytes(py: Python<'_>, bytes: &Bound<'_, numpy::PyArrayDyn<u8>>) -> PyResult<Vec<bool>> {
    let bytes = SharedArray::new(bytes).ok_or_else(|| refused("a mask cannot be laid out in one piece".to_owned()))?;
    Ok(py.detach(|| bytes.iter().map(|byte| *byte != 0).collect()))
}

/// Labels, which are bool, or 0 and 1.
fn labels_of(array: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<bool>> {
    if matches!(kind_of(array).0, b'u' | b'i' | b'f') {
        let values = contiguous::<f64>(array)?.to_vec()?;
        if let Some(other) = values.iter().find(|value| **value != 0.0 && **value != 1.0) {
            return Err(refused(format!("a label is {other}, expected 0 (normal) or 1 (anomalous), or bool")));
        }
    }
    is_set("labels", array)
}
