//! Says that fewer photos go through the device at once.

use patchcore_core::engine::ReducedBatch;

/// What has been said of it.
#[derive(Debug, Default)]
pub(crate) struct BatchNote(Option<ReducedBatch>);

impl BatchNote {
    /// Says what has become of the batch, as a warning of the crate `tracing`, once for each size.
    pub(crate) fn tell(&mut self, now: Option<ReducedBatch>) {
        if self.0 != now {
            #[cfg(feature = "tracing")]
            if let Some(reduced) = &now {
                tracing::warn!("{reduced}");
            }
            self.0 = now;
        }
    }
}
