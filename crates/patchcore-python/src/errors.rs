//! What goes wrong, as exceptions of Python with the library's texts.

use patchcore::Error;
use patchcore::error::DeviceError;
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyUserWarning, PyValueError};

create_exception!(
    patchcore,
    PatchCoreError,
    PyValueError,
    "Anything that the engine refuses; the text says what, what was found, what is expected and what to do."
);
create_exception!(patchcore, PhotoError, PatchCoreError, "A photo that cannot be read, prepared or scored.");
create_exception!(patchcore, ModelFileError, PatchCoreError, "A model's file or bytes that are refused, or not there.");
create_exception!(patchcore, Cancelled, PatchCoreError, "A progress function has returned False.");
create_exception!(
    patchcore,
    PatchCoreWarning,
    PyUserWarning,
    "What is odd about photos or data that are taken all the same."
);

/// The exception of an error.
pub fn raised(error: &Error) -> PyErr {
    of_kind(error, in_python(error))
}

/// What an error says; of a device that this package does not have, which package has it.
fn in_python(error: &Error) -> String {
    let other = "the package `patchcore-wgpu`, installed in place of `patchcore`, has the device `wgpu`, for GPUs with a Vulkan driver";
    match error {
        Error::Device(DeviceError::NotCompiledIn { name, available, .. }) => {
            format!("this package has no device `{name}` (it has: {available}); {other}")
        }
        Error::Device(DeviceError::NoGpu { .. }) if !cfg!(feature = "wgpu") => format!("{error}; {other}"),
        error => error.to_string(),
    }
}

/// The exception of a photo's error, which names the photo.
pub fn of_photo(photo: &str, error: &Error) -> PyErr {
    let text = error.to_string();
    of_kind(error, if text.contains(photo) { text } else { format!("{photo}: {text}") })
}

/// The exception of an error over a model's file: that there is none is the file's fault, too.
pub fn of_model_file(error: &Error) -> PyErr {
    match error {
        Error::Io { .. } => ModelFileError::new_err(error.to_string()),
        error => raised(error),
    }
}

fn of_kind(error: &Error, text: String) -> PyErr {
    match error {
        Error::Image(_) | Error::Score(_) | Error::OtherPhoto { .. } | Error::Mask(_) | Error::NoUsablePhoto { .. } => {
            PhotoError::new_err(text)
        }
        Error::ModelFile { .. } => ModelFileError::new_err(text),
        Error::Cancelled { .. } => Cancelled::new_err(text),
        _ => PatchCoreError::new_err(text),
    }
}
