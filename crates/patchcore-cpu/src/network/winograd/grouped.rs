//! Winograd's convolution in groups: each block of sixteen channels, or each group of more, is transformed, multiplied and written
//! alone.
//!
//! Groups of 4 or 8 channels share a block, and the products between them are with 0. That is a quarter of the products of the direct
//! convolution, so even with 4 channels a group they are as many as that needs without the zeros.

#![allow(clippy::indexing_slicing, reason = "filters and lanes are as many as the geometry says, which is asserted")]

use super::transform::{self, FREQUENCIES, Gather, Scatter, TILE, gather, scatter};
use crate::network::step::{Geometry, Operands};
use crate::network::tile::{Form, Kernels, Run, Tile};
use crate::simd::{AlignedBuffer, LANES, Level};
use crate::team::{Leader, Shared};

/// Share of the second-level cache that a task's windows and sums may fill: they stay there beside the weights.
const TASK_SHARE: usize = 4;

/// A Winograd convolution in groups with its transformed weights.
pub(in crate::network) struct GroupedWinograd {
    level: Level,
    geometry: Geometry,
    kernels: Kernels,
    /// Blocks of channels that see each other alone, of the input and of the output.
    unit: usize,
    /// `[blocks][frequencies][channels of a unit][16]`
    weights: AlignedBuffer<f32>,
    bias: AlignedBuffer<f32>,
}

impl GroupedWinograd {
    /// Whether this kernel can carry out a convolution in so many groups.
    pub(in crate::network) fn fits(geometry: &Geometry, groups: usize) -> bool {
        let Geometry { kernel, stride, padding, in_channels, out_channels, .. } = *geometry;
        let channels = in_channels / groups;
        kernel == 3
            && stride == 1
            && padding.before_after(8, 3, 1) == (1, 1)
            && in_channels == out_channels
            && in_channels >= LANES
            && (LANES.is_multiple_of(channels) || channels.is_multiple_of(LANES))
    }

    /// Transforms and packs `weight` `[out, in / groups, 3, 3]`.
    pub(in crate::network) fn new(
        level: Level,
        geometry: Geometry,
        groups: usize,
        weight: &[f32],
        bias: &[f32],
    ) -> Self {
        let (channels, outputs) = (geometry.in_channels / groups, geometry.out_channels);
        geometry.check_weights(channels, weight, bias);
        let unit = channels.div_ceil(LANES);
        let panel = FREQUENCIES * unit * LANES * LANES;
        let mut packed = AlignedBuffer::zeroed(outputs.div_ceil(LANES) * panel);
        for (output, filters) in weight.chunks_exact(channels * 9).enumerate() {
            let (block, lane) = (output / LANES, output % LANES);
            // The group's first channel in its unit.
            let first = output / channels * channels % (unit * LANES);
            for (input, filter) in filters.chunks_exact(9).enumerate() {
                for (frequency, value) in transform::transform_filter(filter).into_iter().enumerate() {
                    let row = frequency * unit * LANES + first + input;
                    packed[block * panel + row * LANES + lane] = value;
                }
            }
        }
        let mut biases = AlignedBuffer::zeroed(outputs.next_multiple_of(LANES));
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        Self { level, geometry, kernels: Kernels::new(level, Form::Sums), unit, weights: packed, bias: biases }
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images.
    pub(in crate::network) unsafe fn execute(
        &self,
        operands: &Operands,
        images: usize,
        leader: &mut Leader<'_>,
        runs: &mut Vec<Run>,
        scratch: &mut AlignedBuffer<f32>,
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        let (output, workers) = (&operands.output_map, leader.workers());
        let tiles = images * output.width.div_ceil(TILE) * output.height.div_ceil(TILE);
        let step = self.kernels.blocks().min(self.unit);
        let tile_bytes = FREQUENCIES * (self.unit + step) * LANES * size_of::<f32>();
        let most = (second_level / TASK_SHARE / tile_bytes).max(2 * self.kernels.pixels());
        let chunks = tiles.div_ceil(most).next_multiple_of(workers).min(tiles);
        let chunk = tiles.div_ceil(chunks);
        runs.clear();
        runs.extend((0..self.unit).map(|block| Run { offset: block * chunk * LANES, length: LANES }));
        let runs: &[Run] = runs;
        let part = Part {
            tiles,
            chunk,
            step,
            // An odd number of cache lines, so that the 36 streams fall into different sets of the cache.
            window_step: ((self.unit * chunk) | 1) * LANES,
            sum_step: ((step * chunk) | 1) * LANES,
        };
        let own = FREQUENCIES * (part.window_step + part.sum_step);
        scratch.reserve(workers * own);
        let memory = Shared::new(scratch.as_mut_ptr());
        let units = output.blocks().div_ceil(self.unit);
        // All units of some tiles before the next ones: a worker has the same part of the picture in every step.
        leader.fan_out(chunks * units, &|worker, task| {
            let (chunk, unit) = (task / units, task % units);
            // SAFETY: each worker has windows and sums of its own; tasks write disjoint tiles or channels.
            unsafe { self.convolve(operands, &part, chunk, unit, runs, memory.pointer().add(worker * own)) };
        });
    }

    /// Convolves a chunk's tiles of one unit.
    ///
    /// # Safety
    /// `windows` must have room for the windows and sums of a chunk; nobody else uses it or writes the same output.
    unsafe fn convolve(
        &self,
        operands: &Operands,
        part: &Part,
        chunk: usize,
        unit: usize,
        runs: &[Run],
        windows: *mut f32,
    ) {
        let Part { chunk: size, step, window_step, sum_step, .. } = *part;
        let (first, count) = (chunk * size, part.count(chunk));
        let (input, output) = (&operands.input_map, &operands.output_map);
        let parts = count.div_ceil(self.kernels.pixels());
        let rows = self.unit * LANES * LANES;
        let blocks = unit * self.unit..((unit + 1) * self.unit).min(output.blocks());
        // SAFETY: the planes of the unit lie inside the maps; tiles of the chunk and frequencies below 36 lie inside windows,
        // weights and sums.
        unsafe {
            for (number, block) in blocks.clone().enumerate() {
                let job = Gather {
                    plane: operands.input.add(block * input.plane()),
                    map: *input,
                    first,
                    count,
                    windows: windows.add(number * size * LANES),
                    window_step,
                };
                gather(self.level, &job);
            }
            let sums = windows.add(FREQUENCIES * window_step);
            for first_block in blocks.clone().step_by(step) {
                let together = step.min(blocks.end - first_block);
                for frequency in 0..FREQUENCIES {
                    let weights = self.weights.as_ptr().add((first_block * FREQUENCIES + frequency) * rows);
                    for at in 0..parts {
                        let start = at * count / parts;
                        let pixels = (at + 1) * count / parts - start;
                        let tile = Tile {
                            input: windows.add(frequency * window_step + start * LANES),
                            runs: runs.as_ptr(),
                            run_count: blocks.len(),
                            weights,
                            panel: FREQUENCIES * rows,
                            ahead: rows,
                            bias: std::ptr::null(),
                            residual: std::ptr::null(),
                            residual_plane: 0,
                            output: sums.add(frequency * sum_step + start * LANES),
                            output_plane: size * LANES,
                            floor: 0.0,
                            ceiling: 0.0,
                        };
                        self.kernels.get(pixels, together)(&tile);
                    }
                }
                for block in first_block..first_block + together {
                    let add_map = operands.add_map.unwrap_or_default();
                    let job = Scatter {
                        sums: sums.add((block - first_block) * size * LANES),
                        sum_step,
                        bias: self.bias.as_ptr().add(block * LANES),
                        residual: operands
                            .add_map
                            .map_or(std::ptr::null(), |map| operands.add.add(block * map.plane())),
                        residual_map: add_map,
                        output: operands.output.add(block * output.plane()),
                        map: *output,
                        first,
                        count,
                        floor: self.geometry.floor,
                        ceiling: self.geometry.ceiling,
                    };
                    scatter(self.level, &job);
                }
            }
        }
    }
}

/// How the tiles of a step are cut and where the intermediate results lie.
struct Part {
    tiles: usize,
    /// Tiles of a task.
    chunk: usize,
    /// Blocks of output channels that are multiplied together.
    step: usize,
    /// Floats between frequencies of the windows.
    window_step: usize,
    /// Floats between frequencies of the sums.
    sum_step: usize,
}

impl Part {
    /// Tiles of a chunk: the last ones may have fewer, or none.
    fn count(&self, index: usize) -> usize {
        self.tiles.saturating_sub(index * self.chunk).min(self.chunk)
    }
}
