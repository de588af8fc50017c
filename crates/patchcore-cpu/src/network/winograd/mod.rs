//! Convolution 3x3, stride 1, padding 1 by Winograd's F(4x4, 3x3): a quarter of the multiplications.
//!
//! Lavin & Gray 2016, "Fast algorithms for convolutional neural networks". The output is cut into tiles of 4x4;
//! each needs an input window of 6x6. With `U = G g G^T` (weights, once), `V = B^T d B` (a window):
//!
//! ```text
//! Y = A^T [ sum over input channels of U * V ] A        (* elementwise: 36 products instead of 144)
//! ```
//!
//! so for each of the 36 frequencies the sum over channels is a matrix product of tiles x channels. Tiles of all
//! images of a group are numbered through, so that small maps of a batch share the (large) weights.
//!
//! Rounding: at most 1.2e-5 against 4e-6 for direct convolution on a photograph through ResNet-18; the weights are
//! transformed in `f64`.

#![allow(clippy::indexing_slicing, reason = "filters and lanes are as many as the geometry says, which is asserted")]

mod grouped;
mod transform;

pub(super) use grouped::GroupedWinograd;

use std::ops::Range;

use rayon::prelude::*;

use self::transform::{FREQUENCIES, Gather, Scatter, TILE, gather, scatter};
use super::step::{Geometry, Operands};
use super::tile::{Form, Kernels, Run, Tile};
use crate::simd::{AlignedBuffer, LANES, Level};
use crate::team::{Leader, Shared};

/// Share of the second-level cache that the transformed windows fill that are worked on at a time.
const WINDOW_SHARE: usize = 2;

/// A Winograd convolution with its transformed weights.
pub(super) struct Winograd {
    level: Level,
    geometry: Geometry,
    kernels: Kernels,
    /// `[out blocks][frequencies][in channels][16]`
    weights: AlignedBuffer<f32>,
    bias: AlignedBuffer<f32>,
}

/// How the tiles of a step are cut and where the intermediate results lie.
struct Cut {
    tiles: usize,
    /// Tiles worked on at a time.
    chunk: usize,
    /// Floats between frequencies of the windows; an odd number of cache lines, so that the 36 streams fall into
    /// different sets of the cache.
    window_step: usize,
    /// Floats between frequencies of the sums.
    sum_step: usize,
}

impl Cut {
    /// Tiles of a chunk. Chunks are as many as keep all workers busy: the last ones may have fewer, or none.
    fn count(&self, index: usize) -> usize {
        self.tiles.saturating_sub(index * self.chunk).min(self.chunk)
    }
}

impl Winograd {
    /// Whether this kernel can carry out a convolution.
    pub(super) fn fits(geometry: &Geometry) -> bool {
        geometry.kernel == 3
            && geometry.stride == 1
            && geometry.padding.before_after(8, 3, 1) == (1, 1)
            && geometry.in_channels >= LANES
            && geometry.out_channels >= LANES
    }

    /// Transforms and packs `weight` `[out, in, 3, 3]`.
    pub(super) fn new(level: Level, geometry: Geometry, weight: &[f32], bias: &[f32]) -> Self {
        let (inputs, outputs) = (geometry.in_channels, geometry.out_channels);
        geometry.check_weights(inputs, weight, bias);
        let mut packed = AlignedBuffer::zeroed(outputs.div_ceil(LANES) * FREQUENCIES * inputs * LANES);
        let panel = FREQUENCIES * inputs * LANES;
        // The transform of a wide network takes a third of a second on one thread.
        packed.par_chunks_exact_mut(panel).enumerate().for_each(|(block, to)| {
            for input in 0..inputs {
                // Sixteen filters first, then whole cache lines: the lines of a channel are a power of two apart.
                let mut lines = [[0.0f32; LANES]; FREQUENCIES];
                for lane in 0..LANES.min(outputs - block * LANES) {
                    let start = ((block * LANES + lane) * inputs + input) * 9;
                    let filter = transform::transform_filter(&weight[start..start + 9]);
                    for (line, value) in lines.iter_mut().zip(filter) {
                        line[lane] = value;
                    }
                }
                let rows = to.chunks_exact_mut(LANES).skip(input).step_by(inputs);
                rows.zip(&lines).for_each(|(row, line)| row.copy_from_slice(line));
            }
        });
        let mut biases = AlignedBuffer::zeroed(outputs.next_multiple_of(LANES));
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        Self { level, geometry, kernels: Kernels::new(level, Form::Sums), weights: packed, bias: biases }
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images.
    pub(super) unsafe fn execute(
        &self,
        operands: &Operands,
        images: usize,
        leader: &mut Leader<'_>,
        runs: &mut Vec<Run>,
        scratch: &mut AlignedBuffer<f32>,
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        let workers = leader.workers();
        let (input, output) = (&operands.input_map, &operands.output_map);
        let across = output.width.div_ceil(TILE);
        let down = output.height.div_ceil(TILE);
        let tiles = images * across * down;
        let in_blocks = input.blocks();
        let step = self.kernels.blocks();

        let tile_bytes = FREQUENCIES * in_blocks * LANES * size_of::<f32>();
        let most = (second_level / WINDOW_SHARE / tile_bytes).max(2 * self.kernels.pixels());
        // Enough tiles for all workers: each takes whole chunks. Otherwise they share a chunk, by channels.
        let whole = workers == 1 || tiles / workers >= self.kernels.pixels();
        let chunks = tiles.div_ceil(most);
        let chunks = if whole { chunks.next_multiple_of(workers) } else { chunks };
        let chunk = tiles.div_ceil(chunks);
        let cut = Cut {
            tiles,
            chunk,
            window_step: ((in_blocks * chunk) | 1) * LANES,
            sum_step: ((step * chunk) | 1) * LANES,
        };
        let (window_floats, sum_floats) = (FREQUENCIES * cut.window_step, FREQUENCIES * cut.sum_step);
        runs.clear();
        runs.extend(
            (0..in_blocks)
                .map(|block| Run { offset: block * chunk * LANES, length: LANES.min(input.channels - block * LANES) }),
        );
        let runs: &[Run] = runs;
        let groups = output.blocks().div_ceil(step);

        // Few workers transform the windows each for itself, at the price of a sixth of a group's products: it is cheaper
        // than to write lines that the other cores have read.
        let common = if whole || groups >= 4 * workers { 0 } else { window_floats };
        scratch.reserve(common + workers * (LANES + window_floats + sum_floats));
        // At the same place for every layer, so that what a worker writes and reads again lies in its own cache.
        let own = (scratch.len() - common) / workers / LANES * LANES;
        let memory = Shared::new(scratch.as_mut_ptr());
        // A worker's memory: the number of the chunk whose windows it holds, windows, sums.
        let parts = |worker: usize| {
            // SAFETY: there is room for the parts of all workers.
            unsafe {
                let holds = memory.pointer().add(worker * own);
                (holds.cast::<u32>(), holds.add(LANES), holds.add(LANES + window_floats))
            }
        };
        if whole {
            leader.fan_out(chunks, &|worker, index| {
                let (_, windows, sums) = parts(worker);
                // SAFETY: each worker has windows and sums of its own; chunks write disjoint tiles.
                unsafe {
                    self.gather_blocks(operands, &cut, index, 0..in_blocks, windows);
                    (0..groups).for_each(|group| self.multiply(operands, &cut, index, group, runs, windows, sums));
                }
            });
            return;
        }
        // SAFETY: no task is at work.
        (0..workers).for_each(|worker| unsafe { parts(worker).0.write(u32::MAX) });
        for index in 0..chunks {
            // SAFETY: the common windows lie behind the parts of the workers.
            let shared = unsafe { memory.pointer().add(workers * own) };
            let shared = Shared::new(shared);
            if common > 0 {
                leader.fan_out(in_blocks, &|_, block| {
                    // SAFETY: each task writes the windows of one block of channels.
                    unsafe { self.gather_blocks(operands, &cut, index, block..block + 1, shared.pointer()) };
                });
            }
            leader.fan_out(groups, &|worker, group| {
                let (holds, windows, sums) = parts(worker);
                // SAFETY: each worker has its own part, and only reads the common windows; tasks write disjoint channels.
                unsafe {
                    let windows = if common > 0 { shared.pointer() } else { windows };
                    if common == 0 && holds.read() != index as u32 {
                        self.gather_blocks(operands, &cut, index, 0..in_blocks, windows);
                        holds.write(index as u32);
                    }
                    self.multiply(operands, &cut, index, group, runs, windows, sums);
                }
            });
        }
    }

    /// Transforms the windows of a chunk and some blocks of input channels.
    ///
    /// # Safety
    /// `windows` must have room for the chunk, and no other task may write these blocks of it.
    unsafe fn gather_blocks(
        &self,
        operands: &Operands,
        cut: &Cut,
        index: usize,
        blocks: Range<usize>,
        windows: *mut f32,
    ) {
        let first = index * cut.chunk;
        for block in blocks {
            // SAFETY: the caller's contract; the block's plane lies inside the input.
            unsafe {
                let job = Gather {
                    plane: operands.input.add(block * operands.input_map.plane()),
                    map: operands.input_map,
                    first,
                    count: cut.count(index),
                    windows: windows.add(block * cut.chunk * LANES),
                    window_step: cut.window_step,
                };
                gather(self.level, &job);
            }
        }
    }

    /// Multiplies a chunk's windows by the weights of a group of output blocks and writes the output tiles.
    ///
    /// # Safety
    /// `windows` and `sums` must hold the chunk; no other task may use `sums` or write the same output.
    #[allow(clippy::too_many_arguments, reason = "one call in two places")]
    unsafe fn multiply(
        &self,
        operands: &Operands,
        cut: &Cut,
        index: usize,
        group: usize,
        runs: &[Run],
        windows: *const f32,
        sums: *mut f32,
    ) {
        let step = self.kernels.blocks();
        let first_block = group * step;
        let blocks = step.min(operands.output_map.blocks() - first_block);
        let first = index * cut.chunk;
        let count = cut.count(index);
        let parts = count.div_ceil(self.kernels.pixels());
        let rows = operands.input_map.channels * LANES;
        // SAFETY: tiles of the chunk and frequencies below 36 lie inside windows, weights and sums.
        unsafe {
            for frequency in 0..FREQUENCIES {
                let weights = self.weights.as_ptr().add((first_block * FREQUENCIES + frequency) * rows);
                for part in 0..parts {
                    let start = part * count / parts;
                    let pixels = (part + 1) * count / parts - start;
                    let tile = Tile {
                        input: windows.add(frequency * cut.window_step + start * LANES),
                        runs: runs.as_ptr(),
                        run_count: runs.len(),
                        weights,
                        panel: FREQUENCIES * rows,
                        ahead: rows,
                        bias: std::ptr::null(),
                        residual: std::ptr::null(),
                        residual_plane: 0,
                        output: sums.add(frequency * cut.sum_step + start * LANES),
                        output_plane: cut.chunk * LANES,
                        floor: 0.0,
                        ceiling: 0.0,
                    };
                    self.kernels.get(pixels, blocks)(&tile);
                }
            }
            for block in 0..blocks {
                let channel_block = first_block + block;
                let job = Scatter {
                    sums: sums.add(block * cut.chunk * LANES),
                    sum_step: cut.sum_step,
                    bias: self.bias.as_ptr().add(channel_block * LANES),
                    residual: operands
                        .add_map
                        .map_or(std::ptr::null(), |map| operands.add.add(channel_block * map.plane())),
                    residual_map: operands.add_map.unwrap_or_default(),
                    output: operands.output.add(channel_block * operands.output_map.plane()),
                    map: operands.output_map,
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
