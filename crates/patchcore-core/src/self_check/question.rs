//! What a question is, and how far an answer may lie off.

use crate::device::{ComputeDevice, Precision};
use crate::error::DeviceError;

/// An operation, and how to ask for it.
pub(super) struct Question {
    pub name: &'static str,
    /// The deviation of the answer.
    pub ask: fn(&ComputeDevice) -> Result<f64, DeviceError>,
    /// The deviation allowed.
    pub tolerance: fn(Precision) -> f64,
}

pub(super) fn in_f32(_: Precision) -> f64 {
    1e-4
}

pub(super) fn exact(_: Precision) -> f64 {
    0.0
}
