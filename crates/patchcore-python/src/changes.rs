//! Models that change without a fit: extended, without some photos, or several in one. Each change gives a new model.

use std::path::PathBuf;
use std::sync::Arc;

use patchcore::{CoverageOptions, Error, ExtendOptions, ForgetOptions, MergeOptions, Model, Remarks, ThresholdFate};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::of_photo;
use crate::photos::{PathIs, Photos};
use crate::stop::Stop;
use crate::warn::{warn, warn_of};
use crate::watch::Watch;

/// What a change of a model did.
#[pyclass(frozen, get_all, module = "patchcore._patchcore")]
#[derive(Default)]
pub struct ChangeReport {
    /// Photos that were added.
    added: usize,
    /// Names of photos that the model had already: they change nothing.
    already: Vec<String>,
    /// Names of the photos that it has forgotten, copies among them.
    forgotten: Vec<String>,
    /// Photos that could not be used, each with its exception.
    rejected: Vec<(String, Py<PyAny>)>,
    /// Rows that each bank has gained.
    rows_added: Vec<usize>,
    /// Rows that each bank has lost.
    rows_removed: Vec<usize>,
    /// "none", "kept" or "stale": what became of the thresholds. No score is judged by stale ones; calibrate again.
    thresholds: String,
}

#[pymethods]
impl ChangeReport {
    fn __repr__(&self) -> String {
        let Self { added, forgotten, rows_added, rows_removed, thresholds, .. } = self;
        format!(
            "<ChangeReport: {added} photos added, {} forgotten, rows +{rows_added:?} -{rows_removed:?}, thresholds {thresholds}>",
            forgotten.len()
        )
    }
}

/// How many rows a change gives the banks; at most one is said.
#[derive(Default)]
pub struct Rows {
    pub ratio: Option<f64>,
    pub bank_rows: Option<usize>,
    pub coverage: Option<f64>,
}

/// What is told to every change.
pub struct Told {
    pub progress: Option<Py<PyAny>>,
    pub date: Option<String>,
}

/// A model with further photos of good parts.
pub fn extend(model: &Model, photos: &Bound<'_, PyAny>, rows: Rows, told: Told) -> PyResult<(Model, ChangeReport)> {
    let py = photos.py();
    let photos = Photos::new(photos, PathIs::Good)?;
    let stop = Arc::new(Stop::default());
    let mut watch = Watch::new(py, told.progress, Arc::clone(&stop))?;
    let photos = photos.pulled(&stop);
    let result = py.detach(|| {
        let mut options = ExtendOptions::default().progress(|progress| watch.tell(progress));
        if let Some(ratio) = rows.ratio {
            options = options.ratio(ratio);
        }
        if let Some(rows) = rows.bank_rows {
            options = options.bank_rows(rows);
        }
        if let Some(radius) = rows.coverage {
            options = options.coverage(radius);
        }
        if let Some(date) = told.date {
            options = options.date(date);
        }
        model.extend(photos, options)
    });
    let report = stop.outcome("extension", result)?;
    watch.end_stage(py)?;
    let rejected = said(py, "the extension", report.rejected, &report.remarks)?;
    let thresholds = fate(py, report.thresholds)?;
    let (added, already, rows_added) = (report.added, report.already, report.rows_added);
    let changed = ChangeReport { added, already, rejected, rows_added, thresholds, ..ChangeReport::default() };
    Ok((report.model, changed))
}

/// A model without some of its photos.
pub fn forget(
    py: Python<'_>,
    model: &Model,
    photos: &[String],
    cover_with: Option<&Bound<'_, PyAny>>,
    told: Told,
) -> PyResult<(Model, ChangeReport)> {
    let stop = Arc::new(Stop::default());
    let cover_with = cover_with.map(|photos| Photos::new(photos, PathIs::Good)).transpose()?;
    let mut watch = Watch::new(py, told.progress, Arc::clone(&stop))?;
    let cover_with = cover_with.map(|photos| photos.pulled(&stop));
    let result = py.detach(|| {
        let mut options = ForgetOptions::default().progress(|progress| watch.tell(progress));
        if let Some(photos) = cover_with {
            options = options.cover_with_photos(photos);
        }
        if let Some(date) = told.date {
            options = options.date(date);
        }
        model.forget(photos, options)
    });
    let report = stop.outcome("forgetting", result)?;
    watch.end_stage(py)?;
    let rejected = said(py, "what is to cover", report.rejected, &Remarks::default())?;
    let thresholds = fate(py, report.thresholds)?;
    let (forgotten, rows_added, rows_removed) = (report.forgotten, report.rows_added, report.rows_removed);
    let changed = ChangeReport { forgotten, rejected, rows_added, rows_removed, thresholds, ..ChangeReport::default() };
    Ok((report.model, changed))
}

/// One model of several.
pub fn merge(py: Python<'_>, models: &[Model], rows: &Rows, told: Told) -> PyResult<Model> {
    let stop = Arc::new(Stop::default());
    let mut watch = Watch::new(py, told.progress, Arc::clone(&stop))?;
    let result = py.detach(|| {
        let mut options = MergeOptions::default().progress(|progress| watch.tell(progress));
        if let Some(ratio) = rows.ratio {
            options = options.ratio(ratio);
        }
        if let Some(rows) = rows.bank_rows {
            options = options.bank_rows(rows);
        }
        if let Some(date) = told.date {
            options = options.date(date);
        }
        Model::merge(models, options)
    });
    let report = stop.outcome("merge", result)?;
    watch.end_stage(py)?;
    fate(py, report.thresholds)?;
    Ok(report.model)
}

/// A model whose coverage is measured again, over the photos of its fit; of other photos it is refused.
pub fn measure(model: &Model, photos: &Bound<'_, PyAny>, progress: Option<Py<PyAny>>) -> PyResult<Model> {
    let py = photos.py();
    let photos = Photos::new(photos, PathIs::Good)?;
    let stop = Arc::new(Stop::default());
    let mut watch = Watch::new(py, progress, Arc::clone(&stop))?;
    let photos = photos.pulled(&stop);
    let result = py.detach(|| {
        model.measure_coverage(photos, CoverageOptions::default().progress(|progress| watch.tell(progress)))
    });
    let report = stop.outcome("measurement", result)?;
    watch.end_stage(py)?;
    said(py, "the measurement", report.rejected, &Remarks::default())?;
    if report.missing > 0 || !report.unknown.is_empty() {
        let (missing, unknown) = (report.missing, report.unknown.len());
        return Err(crate::errors::PatchCoreError::new_err(format!(
            "{missing} photos of the model are not among these, and {unknown} are none of the model's: expected the photos of the fit, all of \
             them and no others"
        )));
    }
    model.clone().with_coverage(report.coverage).map_err(|error| crate::errors::raised(&error))
}

/// The coverage of each bank, as dicts.
pub fn coverage<'py>(py: Python<'py>, model: &Model) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let dict = |of: &patchcore::Coverage| {
        let dict = PyDict::new(py);
        dict.set_item("radius", of.radius)?;
        dict.set_item("is_exact", of.is_exact)?;
        dict.set_item("quantiles", of.quantiles.clone())?;
        dict.set_item("patches", of.patches)?;
        Ok(dict)
    };
    model.coverage().iter().map(dict).collect()
}

/// Files as text, for photos that are named by a path.
pub fn names(photos: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let name = |photo: &Bound<'_, PyAny>| match photo.extract::<String>() {
        Ok(name) => Ok(name),
        Err(_) => photo.extract::<PathBuf>().map(|path| patchcore::path_text(&path)),
    };
    if crate::photo::is_path(photos)? {
        return Ok(vec![name(photos)?]);
    }
    photos.try_iter()?.map(|photo| name(&photo?)).collect()
}

/// Warns of what was left out and what is odd.
fn said(
    py: Python<'_>,
    what: &str,
    rejected: Vec<(String, Error)>,
    remarks: &Remarks,
) -> PyResult<Vec<(String, Py<PyAny>)>> {
    let mut exceptions = Vec::new();
    for (name, error) in rejected {
        let error = of_photo(&name, &error);
        warn(py, &format!("left out of {what}: {}", error.value(py)))?;
        exceptions.push((name, error.into_value(py).into_any()));
    }
    warn_of(py, remarks)?;
    Ok(exceptions)
}

/// The word for what became of the thresholds; stale ones are warned of.
fn fate(py: Python<'_>, fate: ThresholdFate) -> PyResult<String> {
    let word = match fate {
        ThresholdFate::None => "none",
        ThresholdFate::Kept => "kept",
        _ => {
            warn(py, &fate.to_string())?;
            "stale"
        }
    };
    Ok(word.to_owned())
}
