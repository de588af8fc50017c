//! Values of options that no photo could make right: exit code 2, as for an option that there is not.

use std::fmt;

use patchcore::Error;
use patchcore::error::{CalibrationError, ConfigError, DeviceError};

/// A value that the program itself finds wrong.
#[derive(Debug)]
pub struct Misuse(pub String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// Whether an error is about the value of an option, and not about what the command met.
pub fn is_misuse(error: &anyhow::Error) -> bool {
    // What a model file says wrongly is a cause of another error, and no option's value.
    let of_library = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let is_rate = |error: &CalibrationError| matches!(error, CalibrationError::OutOfRange { .. });
    let is_of_library = match of_library {
        Some(
            Error::Config(_)
            | Error::Device(DeviceError::Unknown { .. })
            | Error::WrongThreshold { .. }
            | Error::WrongLookAgain { .. },
        ) => true,
        Some(Error::WrongFolds { folds, .. }) => *folds < 2,
        Some(Error::Calibration(error)) => is_rate(error),
        _ => false,
    };
    is_of_library
        || error.downcast_ref::<Misuse>().is_some()
        || error.downcast_ref::<ConfigError>().is_some()
        || error.downcast_ref().is_some_and(is_rate)
}
