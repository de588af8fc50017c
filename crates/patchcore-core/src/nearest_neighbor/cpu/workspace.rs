//! Buffers of a search, kept between searches.

use std::sync::{Mutex, PoisonError};

use super::contraction::{MapScratch, Mark};

/// Buffers that grow with the first searches and are reused by later ones: a steady stream of images allocates
/// nothing here. One at a time may use it; results do not depend on what it held.
#[derive(Default)]
pub struct Workspace {
    /// Coarse images of all queries.
    pub(super) coarse: Vec<i16>,
    /// Fine images of all queries.
    pub(super) fine: Vec<i16>,
    /// Lengths and errors of the images.
    pub(super) marks: Vec<Mark>,
    /// Buffers of the tasks that run at the same time.
    pub(super) pool: Pool,
}

/// Buffers of one task.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) map: MapScratch,
    /// Coarse distances of a block of queries to a segment of the bank.
    pub(super) distances: Vec<i32>,
    /// Per query of the block: rows that the coarse bound has let through.
    pub(super) passed: Vec<Vec<(i32, u32)>>,
    /// Rows of one query that the fine bound has let through.
    pub(super) close: Vec<(i32, u32)>,
}

/// Scratch buffers that tasks borrow and return.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Scratch>>);

impl Pool {
    /// Runs a task with a buffer of its own.
    pub(super) fn with<R>(&self, task: impl FnOnce(&mut Scratch) -> R) -> R {
        let borrowed = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = borrowed.unwrap_or_default();
        let result = task(&mut scratch);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").field("queries", &self.marks.len()).finish_non_exhaustive()
    }
}
