//! A driver's panic as an error.
//!
//! Burn reports some failures of a device (out of memory, a lost device, a kernel that does not compile) by a panic in
//! the thread that asked. Whatever runs on a device other than the CPU runs in here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ComputeDevice;
use super::fork::check_fork;
use super::panic_message::panic_message;
use crate::error::DeviceError;

/// Runs `work`; its panic becomes a [`DeviceError`], of the kind that its words say ([`ComputeDevice::failed`]). In a fork of a process
/// that has used devices it is refused.
///
/// What `work` was changing may be half changed afterwards: callers throw it away with the error.
pub(crate) fn guarded<R, E: From<DeviceError>>(
    device: &ComputeDevice,
    operation: &'static str,
    work: impl FnOnce() -> Result<R, E>,
) -> Result<R, E> {
    check_fork(|| device.name())?;
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => Err(device.failed(operation, panic_message(panic.as_ref())).into()),
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_a_device_is_an_error_that_carries_its_words() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let failed: Result<(), DeviceError> = guarded(&device, "search", || panic!("no such kernel: {}", 7));
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("search failed on device `flex:tensors`: no such kernel: 7"), "{message}");
        let full: Result<(), DeviceError> = guarded(&device, "search", || panic!("wgpu error: Out of Memory"));
        assert!(matches!(full.unwrap_err(), DeviceError::OutOfMemory { operation: "search", .. }));
    }
}
