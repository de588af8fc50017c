//! A test case, and how far its result may lie off.

use crate::device::{ComputeDevice, Precision};
use crate::error::DeviceError;

/// An operation, and how to run it.
pub(super) struct TestCase {
    pub name: &'static str,
    /// Runs it; the deviation of its result from the expected one.
    pub run: fn(&ComputeDevice) -> Result<f64, DeviceError>,
    /// The deviation allowed.
    pub tolerance: fn(Precision) -> f64,
}

pub(super) fn in_f32(_: Precision) -> f64 {
    1e-4
}

pub(super) fn exact(_: Precision) -> f64 {
    0.0
}
