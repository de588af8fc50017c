//! Buffers that tasks borrow and give back, so that a steady stream of images finds them ready.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Buffers at rest: as many as tasks have run at the same time.
#[derive(Default)]
pub struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T> fmt::Debug for ScratchPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchPool").finish_non_exhaustive()
    }
}

impl<T: Default> ScratchPool<T> {
    /// Runs a task with a buffer of its own. A task that panics loses its buffer, no more.
    pub fn with<R>(&self, task: impl FnOnce(&mut T) -> R) -> R {
        // The lock is never held while a task runs, so a poisoned one still holds whole buffers.
        // None at rest: one more task runs than ever before, and starts with an empty buffer.
        let borrowed = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = borrowed.unwrap_or_default();
        let result = task(&mut scratch);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}
