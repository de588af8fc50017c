//! A browser has neither files nor processes: a device is checked every time.

use patchcore_core::ComputeDevice;
use patchcore_core::device::Precision;

use super::verdict::Verdict;

/// There is none.
pub(super) enum Record {}

impl Record {
    pub(super) fn of_device(_: &ComputeDevice) -> Option<Self> {
        None
    }

    pub(super) fn of_network(_: &ComputeDevice, _: &str) -> Option<Self> {
        None
    }

    pub(super) fn of_name(_: &str, _: Precision) -> Option<Self> {
        None
    }

    pub(super) fn read(&self) -> Option<Verdict> {
        match *self {}
    }

    pub(super) fn write(&self, _: &Verdict) {
        match *self {}
    }

    pub(super) fn remove(&self) {
        match *self {}
    }

    pub(super) fn remove_all(_: &str, _: Precision) {}
}

pub(super) fn is_running(_: u32) -> bool {
    false
}
