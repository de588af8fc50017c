//! Integer rows in panel order.

#![allow(clippy::indexing_slicing, reason = "positions are computed from the row count of the same buffer")]

use super::PANEL;
use crate::simd::AlignedBuffer;

/// Rows of `i16` coordinates, packed for the kernels; the last panel is filled up with zero rows.
pub(crate) struct Panels {
    values: AlignedBuffer<i16>,
    dims: usize,
}

impl Panels {
    /// `rows` zero rows of `dims` (even) coordinates.
    pub(crate) fn zeros(rows: usize, dims: usize) -> Self {
        assert!(dims > 0 && dims.is_multiple_of(2), "coordinates come in pairs, not {dims}");
        Self { values: AlignedBuffer::zeroed(rows.div_ceil(PANEL) * PANEL * dims), dims }
    }

    /// Panels of the leading `dims` coordinates of row-major `rows`, each row `width` long.
    pub(crate) fn pack(rows: &[i16], width: usize, dims: usize) -> Self {
        assert!(width >= dims && rows.len().is_multiple_of(width), "whole rows of at least {dims} coordinates");
        let mut panels = Self::zeros(rows.len() / width, dims);
        for (row, values) in rows.chunks_exact(width).enumerate() {
            panels.set(row, &values[..dims]);
        }
        panels
    }

    fn set(&mut self, row: usize, values: &[i16]) {
        let panel = &mut self.values[row / PANEL * PANEL * self.dims..][..PANEL * self.dims];
        set_in_panel(panel, row % PANEL, values);
    }

    /// Number of panels.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / (PANEL * self.dims)
    }

    /// The values of one panel.
    pub(crate) fn panel(&self, index: usize) -> &[i16] {
        let size = PANEL * self.dims;
        &self.values[index * size..(index + 1) * size]
    }

    /// All values, panel after panel.
    pub(crate) fn values_mut(&mut self) -> &mut [i16] {
        &mut self.values
    }
}

/// Writes a row's coordinates to its place in a panel.
pub(crate) fn set_in_panel(panel: &mut [i16], row: usize, values: &[i16]) {
    debug_assert_eq!(panel.len(), PANEL * values.len());
    for (slots, pair) in panel.chunks_exact_mut(2 * PANEL).zip(values.chunks_exact(2)) {
        slots[2 * row] = pair[0];
        slots[2 * row + 1] = pair[1];
    }
}
