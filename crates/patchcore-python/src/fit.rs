//! What a fit says beside its model.

use std::sync::Arc;

use patchcore::FitOptions;
use pyo3::prelude::*;

use crate::errors::of_photo;
use crate::photos::{PathIs, Photos};
use crate::settings::settings_of;
use crate::stop::Stop;
use crate::threads::threads;
use crate::warn::{warn, warn_of};
use crate::watch::Watch;

/// What a fit did beside making a model.
#[pyclass(frozen, get_all, module = "patchcore._patchcore")]
pub struct FitReport {
    /// How many photos the model was fitted on.
    photos: usize,
    /// Photos that could not be used, each with its exception.
    rejected: Vec<(String, Py<PyAny>)>,
    /// What is odd about photos that are in the fit, a line for each kind.
    remarks: Vec<String>,
    /// Settings that the photos speak for.
    suggestions: Vec<String>,
}

#[pymethods]
impl FitReport {
    fn __repr__(&self) -> String {
        let Self { photos, rejected, remarks, suggestions } = self;
        format!(
            "<FitReport: {photos} photos, {} rejected, {} remarks, {} suggestions>",
            rejected.len(),
            remarks.len(),
            suggestions.len()
        )
    }
}

/// What is told to a fit beside its settings.
pub struct Told {
    pub progress: Option<Py<PyAny>>,
    pub threads: Option<usize>,
    pub total: Option<usize>,
}

/// Fits, with warnings for what is left out or odd.
pub fn fit(
    photos: &Bound<'_, PyAny>,
    settings: &Bound<'_, PyAny>,
    told: Told,
) -> PyResult<(patchcore::Model, FitReport)> {
    let py = photos.py();
    let settings = settings_of(settings)?;
    let photos = Photos::new(photos, PathIs::Good)?;
    let threads = threads(py, told.threads)?;
    let stop = Arc::new(Stop::default());
    let mut watch = Watch::new(py, told.progress, Arc::clone(&stop))?;
    let total = told.total.or_else(|| photos.count());
    let photos = photos.pulled(&stop);
    let result = py.detach(|| {
        let options = FitOptions::default().on(threads).progress(|progress| watch.tell(progress));
        let options = match total {
            Some(total) => options.total(total),
            None => options,
        };
        patchcore::Model::fit_with(&settings, photos, options)
    });
    let report = stop.outcome("fit", result)?;
    watch.end_stage(py)?;
    let mut rejected = Vec::new();
    for (name, error) in report.rejected {
        let error = of_photo(&name, &error);
        warn(py, &format!("left out of the fit: {}", error.value(py)))?;
        rejected.push((name, error.into_value(py).into_any()));
    }
    warn_of(py, &report.remarks)?;
    let remarks = report.remarks.lines().collect();
    let suggestions = report.suggestions.iter().map(ToString::to_string).collect();
    let photos = report.model.fitted_on().images;
    Ok((report.model, FitReport { photos, rejected, remarks, suggestions }))
}
