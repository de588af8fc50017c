//! The sums of a dense convolution, strip by strip.

use std::ops::Range;

use super::super::super::map::Map;
use super::super::super::step::Geometry;
use super::filters::Filters;
use super::packed::{Corner, Packed, channels_of_row};
use crate::simd::AlignedBuffer;
use crate::simd::amx::{OUTPUTS, PIXELS, Product, ROW_BYTES, Shapes, Sums, TILE_ROWS, Tiles};

/// A dense convolution with its weights in tiles, of maps of elements `E`: bytes that count from 0 (weights have a sign), or `bf16`.
pub(in super::super) struct TileConvolution<E> {
    geometry: Geometry,
    filters: Filters,
    element: std::marker::PhantomData<E>,
}

/// Pixels of the output that follow one another in its rows, and outputs of up to two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Strip {
    /// The first block of outputs.
    pub(in super::super) block: usize,
    /// Blocks, 1 or 2.
    pub(in super::super) blocks: usize,
    /// Row of the first pixel.
    pub(in super::super) y: usize,
    /// Column of the first pixel.
    pub(in super::super) x: usize,
    /// Pixels, up to [`PIXELS`]: after the last one of a row comes the first of the next.
    pub(in super::super) pixels: usize,
}

/// What a worker needs for itself.
#[derive(Default)]
pub(in super::super) struct Room {
    packed: AlignedBuffer<u8>,
    /// Where the channels lie that meet each tile of weights.
    steps: Vec<usize>,
}

impl TileConvolution<u8> {
    /// Packs weights `[out, in, kernel, kernel]` of 8 bits.
    pub(in super::super) fn of_bytes(geometry: Geometry, weights: &[i8]) -> Self {
        let filters = Filters::new(weights, geometry.in_channels, geometry.kernel, i8::to_le_bytes);
        Self { geometry, filters, element: std::marker::PhantomData }
    }
}

impl TileConvolution<u16> {
    /// Packs weights `[out, in, kernel, kernel]` that are `bf16`.
    pub(in super::super) fn of_halves(geometry: Geometry, weights: &[u16]) -> Self {
        let filters = Filters::new(weights, geometry.in_channels, geometry.kernel, u16::to_le_bytes);
        Self { geometry, filters, element: std::marker::PhantomData }
    }
}

impl<E: Copy> TileConvolution<E> {
    /// Bytes of input that a row of the output takes when it is packed.
    pub(in super::super) fn row_bytes(&self, width: usize) -> usize {
        let Packed { groups, columns, .. } = self.packed(1, width);
        groups * self.geometry.stride * columns * ROW_BYTES
    }

    /// Calls `done` with the sums of every strip in these rows of the output, which is `width` wide. The sums of pixels beyond a
    /// strip's are of no use.
    ///
    /// # Safety
    /// That of [`Tiles`]. `image` is valid for an image of `map`, whose border covers every window, `start` for sixteen numbers every
    /// `start_panel` bytes: what the sums of each block of outputs begin with.
    pub(in super::super) unsafe fn sums<T: Tiles>(
        &self,
        tiles: &mut T,
        (image, map): (*const E, &Map),
        (rows, width): (Range<usize>, usize),
        (start, start_panel): (*const u8, usize),
        room: &mut Room,
        mut done: impl FnMut(&Strip, &Sums),
    ) {
        let Geometry { kernel, stride, padding, .. } = self.geometry;
        let packed = self.packed(rows.len(), width);
        let (top, _) = padding.before_after(map.height, kernel, stride);
        let (left, _) = padding.before_after(map.width, kernel, stride);
        let corner = Corner {
            row: map.before - top + rows.start * stride,
            column: map.before - left,
            step: if kernel == 1 { stride } else { 1 },
        };
        // A tile has sixteen pixels, of which the last may lie beyond the last row.
        room.packed.reserve(packed.bytes() + PIXELS * stride * ROW_BYTES);
        // SAFETY: the caller's contract; there is room.
        unsafe { packed.fill(map, image, corner, room.packed.as_mut_ptr()) };
        room.steps.clear();
        let window = (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x)));
        let taps =
            |group: usize| window.clone().map(move |(y, x)| group * packed.group() + y * packed.row() + x * ROW_BYTES);
        room.steps.extend((0..packed.groups).flat_map(taps));
        // The pixels of a 1x1 convolution are one long row.
        let flat = kernel == 1;
        let (lines, length) = if flat { (1, rows.len() * width) } else { (rows.len(), width) };
        let step = if flat { 1 } else { stride };
        let strips = length.div_ceil(PIXELS);
        let blocks = self.geometry.out_channels.div_ceil(OUTPUTS);
        let mut sums: Sums = [[[0; OUTPUTS]; PIXELS]; 2];
        // SAFETY: the caller's contract.
        unsafe { tiles.configure(&Shapes::FULL) };
        for block in (0..blocks).step_by(2) {
            for (line, strip) in (0..lines).flat_map(|line| (0..strips).map(move |strip| (line, strip))) {
                let first = strip * PIXELS;
                let pixels = PIXELS.min(length - first);
                let offset = line * step * packed.row() + first * step * ROW_BYTES;
                let strip = Strip {
                    block,
                    blocks: 2.min(blocks - block),
                    y: rows.start + if flat { first / width } else { line },
                    x: if flat { first % width } else { first },
                    pixels,
                };
                let product = Product {
                    pixels: room.packed.as_ptr().wrapping_add(offset),
                    stride: step * ROW_BYTES,
                    steps: &room.steps,
                    weights: self.filters.packed.as_ptr().wrapping_add(block * self.filters.panel),
                    panel: self.filters.panel,
                    start: start.wrapping_add(block * start_panel),
                    start_panel,
                };
                // SAFETY: the caller's contract; the strip's pixels are packed, and behind the last there is room for a tile.
                unsafe {
                    match (pixels > TILE_ROWS, strip.blocks) {
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

    /// What so many rows of the output take.
    fn packed(&self, rows: usize, width: usize) -> Packed {
        let Geometry { kernel, stride, in_channels, .. } = self.geometry;
        let side = |outputs: usize| if kernel == 1 { outputs } else { (outputs - 1) * stride + kernel };
        Packed { groups: in_channels.div_ceil(channels_of_row::<E>()), rows: side(rows), columns: side(width) }
    }
}
