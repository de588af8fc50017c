//! Why an extractor cannot be built.

use patchcore_config::ConfigError;

use crate::device::Backend;
use crate::error::{BackboneError, DeviceError, FitError};

/// Why an extractor could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExtractorError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights are at fault.
    #[error(transparent)]
    Backbone(#[from] BackboneError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The CPU's kernels refused a plan or its weights; a bug, since both have been checked.
    #[error("the CPU network cannot be built: {0} (please report this)")]
    Cpu(String),
}

impl ExtractorError {
    /// Converts to a [`DeviceError`].
    pub(crate) fn into_device_error(self) -> DeviceError {
        if let ExtractorError::Device(error) = self {
            return error;
        }
        let device = Backend::Cpu.name().to_owned();
        DeviceError::Execution { device, operation: "building the network", message: self.to_string() }
    }
}

impl From<ExtractorError> for FitError {
    fn from(error: ExtractorError) -> Self {
        match error {
            ExtractorError::Config(error) => FitError::Config(error),
            ExtractorError::Backbone(error) => FitError::Backbone(error),
            ExtractorError::Device(_) | ExtractorError::Cpu(_) => FitError::Device(error.into_device_error()),
        }
    }
}
