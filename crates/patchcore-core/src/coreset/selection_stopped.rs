//! Why a selection ended before its time.

use crate::error::DeviceError;

/// Why a selection ended before its time.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectionStopped {
    /// The progress callback asked to stop.
    Cancelled,
    /// The device failed.
    Device(DeviceError),
}

/// What an error of the device says was being done.
pub(super) const OPERATION: &str = "coreset selection";
