//! What a fork of a process may not do.
//!
//! A process that is forked off has the memory of its parent and none of its threads: it would wait for ever for those that speak with
//! the driver.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::DeviceError;

/// The first process that has used a device; 0 before.
static USED_BY: AtomicU32 = AtomicU32::new(0);

/// Notes that this process uses devices. `device` names the one that it asks for.
///
/// # Errors
/// [`DeviceError::Forked`] in a fork of a process that has used devices.
pub(super) fn check_fork(device: impl FnOnce() -> String) -> Result<(), DeviceError> {
    // There are no forks in a browser, and no number of a process: asking for it is a panic.
    if cfg!(target_family = "wasm") {
        return Ok(());
    }
    used_by(&USED_BY, std::process::id()).map_err(|used_by| DeviceError::Forked { device: device(), used_by })
}

/// `Err` with the first process, if that is another than this one.
fn used_by(first: &AtomicU32, process: u32) -> Result<(), u32> {
    match first.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed) {
        Err(other) if other != process => Err(other),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_of_a_process_that_has_used_devices_may_not() {
        let first = AtomicU32::new(0);
        assert_eq!([used_by(&first, 7), used_by(&first, 7), used_by(&first, 8)], [Ok(()), Ok(()), Err(7)]);
        assert_eq!(check_fork(|| "wgpu".to_owned()), Ok(()));
    }
}
