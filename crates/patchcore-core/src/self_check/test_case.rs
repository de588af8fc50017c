//! A test case, and how far its result may lie off.

use std::borrow::Cow;

use crate::device::ComputeDevice;
#[cfg(feature = "burn")]
use crate::device::Precision;
use crate::error::DeviceError;

/// Runs an operation on a device: the deviation of its result from the expected one.
type Run = dyn Fn(&ComputeDevice) -> Result<f64, DeviceError>;

/// An operation, and how to run it.
pub(super) struct TestCase {
    /// The operation and, where it matters, its shape.
    pub name: Cow<'static, str>,
    /// Runs it.
    pub run: Box<Run>,
    /// The deviation allowed.
    pub tolerance: f64,
}

impl TestCase {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        tolerance: f64,
        run: impl Fn(&ComputeDevice) -> Result<f64, DeviceError> + 'static,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run), tolerance }
    }
}

/// Indices, and values that are only moved.
pub(super) const EXACT: f64 = 0.0;
/// What a few roundings of f32 explain, whatever the precision of the network.
pub(super) const IN_F32: f64 = 1e-4;

/// Sums of products in a precision, as a share of the largest sum.
///
/// Factors have 24 bits, sums up to about a thousand terms of either sign; both errors then grow as the square root of the terms, as
/// does the largest sum, so that their share hardly depends on the shape.
///
/// - f32: a sum in any order is off by at most 1e-6 (measured). Factors that are rounded to eleven bits make it 2.7e-4. Between
///   the two stands the tolerance: twenty times the one, a tenth of the other.
/// - tf32: factors are rounded to eleven bits, each by at most 2^-11 of itself: 2.7e-4 (measured, to nearest); units that cut
///   instead of rounding are off by at most 2^-9 of the largest sum, which is the tolerance.
/// - f16, bf16: factors, sums on the way and the result are rounded to 11 and 8 bits, in an order that is the driver's: a few of
///   them for the tolerance.
#[cfg(feature = "burn")]
pub(super) fn sums_in(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 2e-5,
        Precision::Tf32 => 2e-3,
        Precision::F16 => 1e-2,
        Precision::Bf16 => 6e-2,
    }
}
