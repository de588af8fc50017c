//! The patch grid: what an embedding row and a patch score belong to.

use serde::{Deserialize, Serialize};

/// Rows and columns of the patch grid: the first level's feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Grid {
    /// Cells from top to bottom.
    pub rows: usize,
    /// Cells from left to right.
    pub columns: usize,
}

impl Grid {
    /// Number of cells.
    pub fn cells(self) -> usize {
        self.rows * self.columns
    }
}
