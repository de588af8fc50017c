//! The sums of a dense convolution, strip by strip.

use std::marker::PhantomData;
use std::ops::Range;

use super::super::super::map::Map;
use super::super::super::step::Geometry;
use super::super::storage::Element;
use super::filters::Filters;
use super::packed::{Corner, Packed, channels_of_row};
use crate::simd::amx::{OUTPUTS, PIXELS, Product, ROW_BYTES, Shapes, Sums, TILE_ROWS, Tiles};

/// A dense convolution with its weights in tiles, of maps of elements `E`: bytes that count from 0, whose weights have a sign, or
/// `bf16`.
pub(super) struct TileConvolution<E: Element> {
    geometry: Geometry,
    filters: Filters,
    element: PhantomData<E>,
}

/// Pixels of the output that follow one another in its rows, and outputs of up to two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strip {
    /// The first block of outputs.
    pub(super) block: usize,
    /// Blocks, 1 or 2.
    pub(super) blocks: usize,
    /// Row of the first pixel.
    pub(super) y: usize,
    /// Column of the first pixel.
    pub(super) x: usize,
    /// Pixels, up to [`PIXELS`]: after the last one of a row comes the first of the next.
    pub(super) pixels: usize,
}

/// What one worker does at once: rows of the output of an image.
pub(super) struct Part<'a, E> {
    pub(super) image: *const E,
    pub(super) map: &'a Map,
    pub(super) rows: Range<usize>,
    /// Width of the output.
    pub(super) width: usize,
    /// How the input of as many rows, or more, lies when it is packed.
    pub(super) packed: Packed,
    /// Those of [`TileConvolution::find_steps`].
    pub(super) steps: &'a [usize],
    /// Memory of the worker for [`TileConvolution::room`] elements.
    pub(super) room: *mut E,
}

/// What the sums of each block of outputs begin with: sixteen numbers of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// Of the first block.
    pub(super) first: *const u8,
    /// Bytes from there to the next.
    pub(super) panel: usize,
}

impl<E: Element> TileConvolution<E> {
    /// Packs weights `[out, in, kernel, kernel]`.
    pub(super) fn new(geometry: Geometry, weights: &[E::Weight]) -> Self {
        let filter = geometry.in_channels * geometry.kernel * geometry.kernel;
        assert_eq!(weights.len(), geometry.out_channels * filter, "weights are those of the geometry");
        let filters = Filters::new(weights, geometry.in_channels, geometry.kernel);
        Self { geometry, filters, element: PhantomData }
    }

    /// Bytes of input that a row of the output takes when it is packed.
    pub(super) fn row_bytes(&self, width: usize) -> usize {
        let packed = self.packed(1, width);
        packed.groups * packed.row() * if self.geometry.kernel == 1 { 1 } else { self.geometry.stride }
    }

    /// How the input of so many rows of the output lies when it is packed.
    pub(super) fn packed(&self, rows: usize, width: usize) -> Packed {
        let Geometry { kernel, stride, in_channels, .. } = self.geometry;
        let side = |outputs: usize| if kernel == 1 { outputs } else { (outputs - 1) * stride + kernel };
        Packed { groups: in_channels.div_ceil(channels_of_row::<E>()), rows: side(rows), columns: side(width) }
    }

    /// Elements that a worker needs for it: a tile has sixteen pixels, of which the last may lie beyond the last row.
    pub(super) fn room(&self, packed: &Packed) -> usize {
        (packed.bytes() + PIXELS * self.geometry.stride * ROW_BYTES) / size_of::<E>()
    }

    /// Where the channels lie that meet each tile of weights: bytes from a pixel.
    pub(super) fn find_steps(&self, packed: &Packed, steps: &mut Vec<usize>) {
        let kernel = self.geometry.kernel;
        steps.clear();
        for group in 0..packed.groups {
            for y in 0..kernel {
                steps.extend((0..kernel).map(|x| group * packed.group() + y * packed.row() + x * ROW_BYTES));
            }
        }
    }

    /// Calls `done` with the sums of every strip of a part. The sums of pixels beyond a strip's are of no use.
    ///
    /// # Safety
    /// That of [`Tiles`]. The image is valid for one of the map, whose border covers every window, the room as large as it says, and
    /// the start valid for every block of outputs.
    pub(super) unsafe fn sums<T: Tiles>(
        &self,
        tiles: &mut T,
        part: &Part<'_, E>,
        start: Start,
        mut done: impl FnMut(&Strip, &Sums),
    ) {
        let Geometry { kernel, stride, padding, .. } = self.geometry;
        let (map, rows, width, packed) = (part.map, &part.rows, part.width, &part.packed);
        let (top, _) = padding.before_after(map.height, kernel, stride);
        let (left, _) = padding.before_after(map.width, kernel, stride);
        let corner = Corner {
            row: map.before - top + rows.start * stride,
            column: map.before - left,
            step: if kernel == 1 { stride } else { 1 },
        };
        let used = self.packed(rows.len(), width).rows;
        let memory = part.room.cast::<u8>();
        // SAFETY: the caller's contract; there is room.
        unsafe { packed.fill(map, part.image, corner, used, memory) };
        // The pixels of a 1x1 convolution are one long row.
        let flat = kernel == 1;
        let (lines, length) = if flat { (1, rows.len() * width) } else { (rows.len(), width) };
        let step = if flat { 1 } else { stride };
        let blocks = self.geometry.out_channels.div_ceil(OUTPUTS);
        let mut sums: Sums = [[[0; OUTPUTS]; PIXELS]; 2];
        // SAFETY: the caller's contract.
        unsafe { tiles.configure(&Shapes::FULL) };
        for block in (0..blocks).step_by(2) {
            for (line, first) in (0..lines).flat_map(|line| (0..length).step_by(PIXELS).map(move |first| (line, first)))
            {
                let strip = Strip {
                    block,
                    blocks: 2.min(blocks - block),
                    y: rows.start + if flat { first / width } else { line },
                    x: if flat { first % width } else { first },
                    pixels: PIXELS.min(length - first),
                };
                let product = Product {
                    pixels: memory.wrapping_add(line * step * packed.row() + first * step * ROW_BYTES),
                    stride: step * ROW_BYTES,
                    steps: part.steps,
                    weights: self.filters.packed.as_ptr().wrapping_add(block * self.filters.panel),
                    panel: self.filters.panel,
                    start: start.first.wrapping_add(block * start.panel),
                    start_panel: start.panel,
                };
                // SAFETY: the caller's contract; the strip's pixels are packed, and behind the last there is room for a tile.
                unsafe {
                    match (strip.pixels > TILE_ROWS, strip.blocks) {
                        (true, 2) => product.multiply::<T, E, 2, 2>(tiles, &mut sums),
                        (true, _) => product.multiply::<T, E, 2, 1>(tiles, &mut sums),
                        (false, 2) => product.multiply::<T, E, 1, 2>(tiles, &mut sums),
                        (false, _) => product.multiply::<T, E, 1, 1>(tiles, &mut sums),
                    }
                }
                done(&strip, &sums);
            }
        }
        // SAFETY: the caller's contract.
        unsafe { tiles.release() };
    }
}
