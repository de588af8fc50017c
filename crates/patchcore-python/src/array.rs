//! Whatever is like an array, as an array of one type that lies in one piece.

use numpy::{Element, PyArrayDescr, PyArrayDescrMethods, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// `numpy.asarray`.
pub fn as_array<'py>(like: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    static AS_ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = like.py();
    Ok(AS_ARRAY.import(py, "numpy", "asarray")?.call1((like,))?.cast_into()?)
}

/// The array itself where it is C-contiguous, aligned and of this type already; else a copy that is. Strides of any sign and other byte
/// orders are resolved.
pub fn contiguous<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    static REQUIRE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = array.py();
    let dtype = numpy::dtype::<T>(py);
    Ok(REQUIRE.import(py, "numpy", "require")?.call1((array, dtype, ["C", "A"]))?.cast_into()?)
}

/// Kind and bytes of an array's type: `(b'u', 1)` is uint8.
pub fn kind_of(array: &Bound<'_, PyUntypedArray>) -> (u8, usize) {
    let dtype: Bound<'_, PyArrayDescr> = array.dtype();
    (dtype.kind(), dtype.itemsize())
}

/// An array in words: `an array of int64 and shape (4, 5)`.
pub fn described(array: &Bound<'_, PyUntypedArray>) -> String {
    let shape = array.getattr("shape").and_then(|shape| shape.repr()).map(|shape| shape.to_string());
    format!("an array of {} and shape {}", array.dtype(), shape.unwrap_or_else(|_| format!("{:?}", array.shape())))
}
