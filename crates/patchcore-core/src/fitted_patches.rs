//! The patches of a fit, member by member: embedding rows and where they come from.

use crate::finish::Cells;
use crate::memory_bank::PatchOrigin;
use patchcore_config::Grid;

/// What one member's network made of all photos so far.
#[derive(Debug)]
pub(crate) struct Patches {
    pub dim: usize,
    /// `[patches, dim]`.
    pub rows: Vec<f32>,
    /// Where each row comes from. Those of a photo's copies follow its own, with its number and the place in the photo that they show.
    pub origins: Vec<PatchOrigin>,
    /// For each photo the end of its own rows, without its copies'.
    pub own: Vec<usize>,
}

impl Patches {
    /// Adds rows of the `image`-th photo; `place`: which cell of the photo a cell shows.
    pub fn add(&mut self, image: usize, grid: Grid, rows: &[f32], cells: Cells<'_>, place: impl Fn(usize) -> usize) {
        self.rows.extend_from_slice(rows);
        let origin = |cell: usize| PatchOrigin {
            image: image as u32,
            row: (cell / grid.columns) as u16,
            column: (cell % grid.columns) as u16,
        };
        match cells {
            Cells::All => self.origins.extend((0..grid.cells()).map(place).map(origin)),
            Cells::These(cells) => self.origins.extend(cells.iter().copied().map(place).map(origin)),
        }
        assert_eq!(self.rows.len(), self.origins.len() * self.dim, "one row per patch");
    }

    /// Keeps the first patches alone.
    pub fn truncate(&mut self, patches: usize) {
        self.origins.truncate(patches);
        self.rows.truncate(patches * self.dim);
        self.own.retain(|end| *end <= patches);
    }

    /// The rows of one photo, without its copies', and where they come from.
    #[allow(
        clippy::indexing_slicing,
        reason = "both ends are places in the list of origins, which has one entry per row"
    )]
    pub fn of_image(&self, image: usize) -> (&[f32], &[PatchOrigin]) {
        // Photos were added one after the other.
        let from = self.origins.partition_point(|origin| (origin.image as usize) < image);
        let to = self.own[image];
        (&self.rows[from * self.dim..to * self.dim], &self.origins[from..to])
    }

    #[allow(clippy::indexing_slicing, reason = "callers name patches that are there")]
    pub fn row(&self, patch: usize) -> &[f32] {
        &self.rows[patch * self.dim..(patch + 1) * self.dim]
    }
}
