//! A model of a bank that another program has made.

use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use patchcore::{ForeignBank, Threshold, ThresholdOrigin, Thresholds};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::array::{as_array, contiguous, described};
use crate::errors::{PatchCoreError, raised};
use crate::settings::settings_of;
use crate::threads::threads;

/// What is told beside rows and settings.
pub struct Told {
    pub weights: Option<PyBackedBytes>,
    pub image_threshold: Option<f32>,
    pub pixel_threshold: Option<f32>,
    pub threads: Option<usize>,
}

/// A model over rows `[m, dim]`.
pub fn of_bank(rows: &Bound<'_, PyAny>, settings: &Bound<'_, PyAny>, told: Told) -> PyResult<patchcore::Model> {
    let py = rows.py();
    let settings = settings_of(settings)?;
    let array = as_array(rows)?;
    let &[_, columns] = array.shape() else {
        let found = described(&array);
        return Err(PatchCoreError::new_err(format!(
            "the bank is {found}, expected an array [rows, values] of float32"
        )));
    };
    let dim = settings.config().map_err(|error| raised(&error))?.first().embedding_dim();
    if columns != dim {
        let found = format!("the rows of the bank have {columns} values, and these settings make rows of {dim}");
        return Err(PatchCoreError::new_err(format!(
            "{found}: give the layers and the embedding that the bank was made with"
        )));
    }
    let rows: Bound<'_, PyArrayDyn<f32>> = contiguous(&array)?;
    let bank = ForeignBank { rows: rows.to_vec()?, weights: told.weights.map(|bytes| bytes.to_vec()) };
    let threads = threads(py, told.threads)?;
    let manual = |value| Threshold { value, origin: ThresholdOrigin::Manual };
    let thresholds = Thresholds {
        image: told.image_threshold.map(manual),
        pixel: told.pixel_threshold.map(manual),
        ..Thresholds::default()
    };
    let model = py.detach(|| {
        let model = patchcore::Model::of_foreign_bank(&settings, bank, threads)?;
        if thresholds == Thresholds::default() { Ok(model) } else { model.with_thresholds(thresholds) }
    });
    model.map_err(|error| raised(&error))
}
