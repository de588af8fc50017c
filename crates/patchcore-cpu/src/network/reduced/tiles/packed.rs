//! A part of a map with the channels of a pixel in rows of 64 bytes.

use std::ops::Range;

use super::super::super::map::Map;
use crate::simd::LANES;
use crate::simd::amx::ROW_BYTES;

/// How a part of a map lies when it is packed: `[groups][rows][columns][64]` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) groups: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Which pixels of a map are packed: the first row and column, counted from the border's corner, and the distance of one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corner {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) step: usize,
}

/// Channels of elements `E` in a row of 64 bytes.
pub(super) const fn channels_of_row<E>() -> usize {
    ROW_BYTES / size_of::<E>()
}

impl Packed {
    /// Bytes from one row to the next.
    pub(super) fn row(&self) -> usize {
        self.columns * ROW_BYTES
    }

    /// Bytes from one group of channels to the next.
    pub(super) fn group(&self) -> usize {
        self.rows * self.row()
    }

    /// Bytes of all.
    pub(super) fn bytes(&self) -> usize {
        self.groups * self.group()
    }

    /// Packs pixels of an image of `map`, `rows` of all rows. Channels of blocks that the map does not have are zeros.
    ///
    /// # Safety
    /// `image` is valid for an image of the map, which has the pixels; `to` for [`Packed::bytes`].
    pub(super) unsafe fn fill<E: Copy>(&self, map: &Map, image: *const E, corner: Corner, rows: usize, to: *mut u8) {
        let blocks = channels_of_row::<E>() / LANES;
        for block in 0..self.groups * blocks {
            let (group, place) = (block / blocks, block % blocks * LANES * size_of::<E>());
            for row in 0..rows {
                // SAFETY: the caller's contract; each copy is a block of a pixel.
                unsafe {
                    let to = to.add(group * self.group() + row * self.row() + place);
                    if block < map.blocks() {
                        let pixel = (corner.row + row * corner.step) * map.row() + corner.column * LANES;
                        let from = image.add(block * map.plane() + pixel);
                        copy_row(from, corner.step, 0..self.columns, to);
                    } else {
                        (0..self.columns).for_each(|column| {
                            to.add(column * ROW_BYTES).cast::<[E; LANES]>().write_bytes(0, 1);
                        });
                    }
                }
            }
        }
    }
}

/// # Safety
/// As [`Packed::fill`].
unsafe fn copy_row<E: Copy>(from: *const E, step: usize, columns: Range<usize>, to: *mut u8) {
    for column in columns {
        // SAFETY: the caller's contract.
        unsafe {
            let pixel = from.add(column * step * LANES).cast::<[E; LANES]>().read_unaligned();
            to.add(column * ROW_BYTES).cast::<[E; LANES]>().write_unaligned(pixel);
        }
    }
}
