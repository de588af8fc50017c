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
    /// All queries in integers.
    pub(super) copies: Vec<i16>,
    /// Lengths and errors of images and copies.
    pub(super) marks: Vec<Mark>,
    /// Buffers of the tasks that run at the same time.
    pub(super) pool: ScratchPool<Scratch>,
}

/// Buffers of one task.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) map: MapScratch,
    /// Short coarse bounds of a block of queries to a segment of the bank.
    pub(super) bounds: Vec<i16>,
    /// Coarse distances of one query to all rows.
    pub(super) distances: Vec<i32>,
    /// Rows of one query that the coarse bound has let through, with room behind them.
    pub(super) passed: Vec<u32>,
    /// Rows of one query that the fine bound has let through.
    pub(super) close: Vec<(i32, u32)>,
    /// Coarse and fine image of a query that is searched alone, and itself in integers.
    pub(super) alone: [Vec<i16>; 3],
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
