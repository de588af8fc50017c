//! How the output of a dense convolution is cut into tiles, and the tiles into tasks.

use super::step::{Geometry, Operands};
use crate::simd::LANES;

/// Share of the second-level cache that the input of a task's tiles may fill: it stays there beside the weights.
const INPUT_SHARE: usize = 4;

/// What the cut depends on besides the maps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of the second-level cache.
    pub(super) second_level: usize,
    /// Threads that share the step.
    pub(super) workers: usize,
    /// Pixels of the longest tile.
    pub(super) pixels: usize,
    /// Blocks of output channels of the widest tile.
    pub(super) blocks: usize,
}

/// Tiles in the order of the picture's rows; a task has a span of them, and a part of the output channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    rows: usize,
    width: usize,
    tiles_per_row: usize,
    tiles: usize,
    spans: usize,
    blocks: usize,
    /// Blocks of a tile.
    step: usize,
    groups: usize,
    parts: usize,
}

/// A tile: pixels of a row, and blocks of output channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) image: usize,
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) pixels: usize,
    /// First block of output channels.
    pub(super) block: usize,
    /// Number of blocks.
    pub(super) count: usize,
    /// The tile's number among those of its task.
    pub(super) number: usize,
}

impl Cut {
    /// Cuts the output of a convolution of `images` images.
    pub(super) fn new<E>(operands: &Operands<E>, geometry: &Geometry, images: usize, limits: Limits) -> Self {
        let (input, output) = (&operands.input_map, &operands.output_map);
        let stride = geometry.stride;
        // Without borders the rows of a 1x1 convolution are one long row.
        let flat = geometry.kernel == 1
            && stride == 1
            && input.is_dense()
            && output.is_dense()
            && operands.add_map.is_none_or(|add| add.is_dense());
        let (rows, width) = if flat { (1, output.height * output.width) } else { (output.height, output.width) };
        let tiles_per_row = width.div_ceil(limits.pixels);
        let tiles = images * rows * tiles_per_row;
        let tile_bytes = limits.pixels * stride * stride * input.channels * size_of::<E>();
        let per_task =
            (limits.second_level / INPUT_SHARE / tile_bytes).clamp(4, 512).min(tiles.div_ceil(2 * limits.workers));
        // As many for each worker, and as long: a worker's part is the same rows in every step.
        let spans = tiles.div_ceil(per_task).next_multiple_of(limits.workers).min(tiles);
        let blocks = output.channels.div_ceil(LANES);
        let groups = blocks.div_ceil(limits.blocks);
        // Few spans: several tasks share one, each with its part of the output channels.
        let parts = if limits.workers > 1 { (4 * limits.workers).div_ceil(spans).min(groups) } else { 1 };
        Self { rows, width, tiles_per_row, tiles, spans, blocks, step: limits.blocks, groups, parts }
    }

    /// Number of tasks.
    pub(super) fn tasks(&self) -> usize {
        self.spans * self.parts
    }

    /// Tiles of the longest task.
    pub(super) fn longest(&self) -> usize {
        self.tiles.div_ceil(self.spans)
    }

    /// Calls `each` with the tiles of a task, all of a block before the next block's.
    #[inline]
    pub(super) fn tiles_of(&self, task: usize, mut each: impl FnMut(Place)) {
        let (span, part) = (task / self.parts, task % self.parts);
        let tiles = span * self.tiles / self.spans..(span + 1) * self.tiles / self.spans;
        for group in part * self.groups / self.parts..(part + 1) * self.groups / self.parts {
            let block = group * self.step;
            let count = self.step.min(self.blocks - block);
            for (number, index) in tiles.clone().enumerate() {
                let (line, column) = (index / self.tiles_per_row, index % self.tiles_per_row);
                let (image, y) = (line / self.rows, line % self.rows);
                let x = column * self.width / self.tiles_per_row;
                let pixels = (column + 1) * self.width / self.tiles_per_row - x;
                each(Place { image, y, x, pixels, block, count, number });
            }
        }
    }
}
