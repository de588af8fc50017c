//! Buffers of a search, kept between searches.

use super::contraction::{MapScratch, Mark};
use crate::ScratchPool;

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
    pub(super) pool: ScratchPool<Scratch>,
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
    /// Images of a query that is searched alone.
    pub(super) alone: (Vec<i16>, Vec<i16>),
    /// Its rows with the least bounds.
    pub(super) least: Vec<(i32, u32)>,
    /// Its nearest rows so far.
    pub(super) nearest: Vec<(f64, u32)>,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").field("queries", &self.marks.len()).finish_non_exhaustive()
    }
}
