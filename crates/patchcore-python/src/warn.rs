//! Remarks as warnings of Python, which point at the line of whoever called the package.

use std::ffi::CString;

use patchcore::Remarks;
use pyo3::prelude::*;

use crate::errors::PatchCoreWarning;

/// Frames between a warning and the user's line: that of the Python package, and the user's own.
const STACK_LEVEL: i32 = 2;

/// Warns; an exception where the user has made warnings into errors.
pub fn warn(py: Python<'_>, text: &str) -> PyResult<()> {
    // A name may hold anything but a zero byte, which no file's name has.
    let text = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PatchCoreWarning>(), &text, STACK_LEVEL)
}

/// One warning for each kind of remark, with a count and the first photo.
pub fn warn_of(py: Python<'_>, remarks: &Remarks) -> PyResult<()> {
    remarks.lines().try_for_each(|line| warn(py, &line))
}
