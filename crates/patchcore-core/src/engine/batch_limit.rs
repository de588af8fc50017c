//! How many photos at once have turned out to be too many.

use std::fmt;
#[cfg(any(test, feature = "burn"))]
use std::sync::{Mutex, PoisonError};

#[cfg(any(test, feature = "burn"))]
use crate::error::DeviceError;

/// Photos at once, after the device had no memory for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReducedBatch {
    /// How many did not fit, the first time.
    pub from: usize,
    /// How many are taken now.
    pub to: usize,
    /// What the device said.
    pub because: String,
}

impl fmt::Display for ReducedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A backtrace may follow.
        let because = self.because.lines().next().unwrap_or_default();
        write!(f, "photos at once: {} -> {}, because {because}", self.from, self.to)
    }
}

/// The most photos at once, which shrinks as the device runs out of memory. Shared by all that compute on one engine.
#[cfg(any(test, feature = "burn"))]
#[derive(Debug, Default)]
pub(crate) struct BatchLimit(Mutex<Option<ReducedBatch>>);

#[cfg(any(test, feature = "burn"))]
impl BatchLimit {
    /// `wanted`, or what is left of it.
    pub(crate) fn at_most(&self, wanted: usize) -> usize {
        self.reduced().map_or(wanted, |reduced| reduced.to.min(wanted))
    }

    /// Halves a batch of `failed` photos that did not fit; false where it was one photo. Of several threads that fail at once with the
    /// same batch all but the first change nothing.
    pub(crate) fn halve(&self, failed: usize, because: &DeviceError) -> bool {
        if failed <= 1 {
            return false;
        }
        let mut reduced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let to = failed / 2;
        if reduced.as_ref().is_none_or(|reduced| to < reduced.to) {
            let from = reduced.as_ref().map_or(failed, |reduced| reduced.from);
            *reduced = Some(ReducedBatch { from, to, because: because.to_string() });
        }
        true
    }

    /// What became of the batch; `None` where all fitted.
    pub(crate) fn reduced(&self) -> Option<ReducedBatch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_halved_down_to_one_photo() {
        let limit = BatchLimit::default();
        let because = DeviceError::OutOfMemory {
            device: "wgpu".to_owned(),
            operation: "scoring",
            message: "full\nbacktrace".to_owned(),
        };
        assert_eq!((limit.at_most(32), limit.reduced()), (32, None));
        assert!(limit.halve(13, &because));
        // Another thread's, which was on its way.
        assert!(limit.halve(13, &because));
        assert_eq!((limit.at_most(32), limit.at_most(2)), (6, 2));
        assert!(limit.halve(6, &because) && limit.halve(3, &because));
        assert_eq!(limit.at_most(32), 1);
        assert!(!limit.halve(1, &because));
        let said = limit.reduced().unwrap().to_string();
        assert!(said.starts_with("photos at once: 13 -> 1, because device `wgpu` has no memory left"), "{said}");
        assert!(!said.contains("backtrace"), "{said}");
    }
}
