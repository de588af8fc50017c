//! Convolution 3x3, stride 1, padding 1 by Winograd's F(2x2, 3x3), exactly: 2.25 times fewer products than directly.
//!
//! As [`super::super::winograd`], with smaller tiles and in integers: 16 products instead of 36 for four outputs. Filters are transformed
//! with twice `G` on both sides, so that nothing is a fraction: what comes back is four times the sum of the direct form. The factor
//! goes into the constants that follow, a power of 2, so the bits are those of the direct form.
//!
//! How large it gets: windows of 0 to 255 become -510 to 1020, weights of -127 to 127 at most 9 times that, which `i16` holds; sums of
//! up to [`MOST_INPUTS`] channels stay in `i32` at every step.

#![allow(clippy::indexing_slicing, reason = "filters and lanes are as many as the geometry says, which is asserted")]

use super::super::map::Map;
use super::super::step::{Geometry, Operands};
use super::super::tile::Run;
use super::finish::{Constants, Ends};
use super::kernel_set::{KernelSet, Transforms};
use super::storage::Element;
use super::taps::Taps;
use super::tile::Tile;
use super::window_tiles::{FREQUENCIES, Gather, Scatter, TILE};
use crate::simd::{AlignedBuffer, LANES};
use crate::team::{Leader, Shared};

/// Share of the second-level cache that the transformed windows fill that are worked on at a time.
const WINDOW_SHARE: usize = 4;
/// Twice 1020 x 1143 products of so many channels stay below 2^31: a frequency's sum and another one.
const MOST_INPUTS: usize = 900;
/// A factor that is smaller might lose bits when it is divided by four.
const LEAST_FACTOR: f32 = 16.0 * f32::MIN_POSITIVE;

/// A Winograd convolution with its transformed weights.
pub(super) struct Winograd<E: Element> {
    geometry: Geometry,
    transforms: Transforms<E>,
    /// `[tiles of blocks][frequencies][k / group][blocks of the tile][16][group]`
    weights: AlignedBuffer<E::Weight>,
    /// Weights of a block and a frequency.
    rows: usize,
    /// For four times the sums.
    constants: AlignedBuffer<Constants>,
    /// What the products begin with: nothing.
    zeros: AlignedBuffer<Constants>,
}

/// How the tiles of a step are cut and where the intermediate results lie.
struct Cut {
    tiles: usize,
    /// Tiles worked on at a time.
    chunk: usize,
    /// Elements between frequencies of the windows; an odd number of cache lines, so that they fall into different sets of the cache.
    window_step: usize,
    /// Sums between frequencies, of an odd number of cache lines too.
    sum_step: usize,
}

impl Cut {
    /// Tiles of a chunk. Chunks are as many as keep all workers busy: the last ones may have fewer, or none.
    fn count(&self, index: usize) -> usize {
        self.tiles.saturating_sub(index * self.chunk).min(self.chunk)
    }
}

impl<E: Element> Winograd<E> {
    /// Transforms and packs `weights` `[out, in, 3, 3]`; none where this is not to carry out the convolution.
    pub(super) fn new(
        kernels: &KernelSet<E>,
        geometry: Geometry,
        weights: &[E::Weight],
        constants: &[Constants],
    ) -> Option<Self> {
        let transforms = kernels.winograd?;
        let (inputs, outputs) = (geometry.in_channels, geometry.out_channels);
        let is_exact = |factor: &f32| *factor == 0.0 || factor.abs() >= LEAST_FACTOR;
        let fits = geometry.kernel == 3
            && geometry.stride == 1
            && geometry.padding.before_after(8, 3, 1) == (1, 1)
            && (LANES..=MOST_INPUTS).contains(&inputs)
            && outputs >= LANES
            && constants.iter().all(|constants| constants.factor.iter().all(is_exact));
        if !fits {
            return None;
        }
        assert_eq!(weights.len(), outputs * inputs * 9, "weights are those of the geometry");
        let (blocks, step) = (outputs.div_ceil(LANES), transforms.sums.blocks());
        let rows = inputs.next_multiple_of(E::GROUP) * LANES;
        let mut packed = AlignedBuffer::zeroed(blocks * FREQUENCIES * rows);
        for (out, filters) in weights.chunks_exact(inputs * 9).enumerate() {
            let (block, lane) = (out / LANES, out % LANES);
            // Blocks of one tile lie side by side.
            let first = block - block % step;
            let count = step.min(blocks - first);
            let (filters, _) = filters.as_chunks::<9>();
            for (input, filter) in filters.iter().enumerate() {
                let row = (input / E::GROUP * count + block - first) * LANES + lane;
                let to = first * FREQUENCIES * rows + row * E::GROUP + input % E::GROUP;
                for (frequency, weight) in (transforms.filter)(*filter).into_iter().enumerate() {
                    packed[to + frequency * count * rows] = weight;
                }
            }
        }
        let mut fourfold = AlignedBuffer::zeroed(blocks);
        fourfold.copy_from_slice(constants);
        for constants in fourfold.iter_mut() {
            constants.start.iter_mut().for_each(|start| *start *= 4);
            constants.factor.iter_mut().for_each(|factor| *factor /= 4.0);
        }
        Some(Self {
            geometry,
            transforms,
            weights: packed,
            rows,
            constants: fourfold,
            zeros: AlignedBuffer::zeroed(step),
        })
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, the border of the input covers every window, and `taps` are those of the
    /// group.
    pub(super) unsafe fn execute(
        &self,
        operands: &Operands<E>,
        taps: Taps,
        images: usize,
        leader: &mut Leader<'_>,
        (runs, scratch): (&mut Vec<Run>, &mut AlignedBuffer<E>),
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        operands.check_border(&self.geometry);
        let workers = leader.workers();
        let (input, output) = (&operands.input_map, &operands.output_map);
        let kernels = &self.transforms.sums;
        let tiles = images * output.width.div_ceil(TILE) * output.height.div_ceil(TILE);
        let (in_blocks, step) = (input.blocks(), kernels.blocks());
        let tile_bytes = FREQUENCIES * in_blocks * LANES * size_of::<E>();
        let most = (second_level / WINDOW_SHARE / tile_bytes).max(2 * kernels.pixels());
        let groups = output.blocks().div_ceil(step);
        // Enough tiles for all workers: each takes whole chunks. Otherwise some share a chunk, by channels, and each transforms its
        // windows for itself.
        let whole = workers == 1 || tiles / workers >= kernels.pixels();
        let chunks = tiles.div_ceil(most);
        let chunks = if whole { chunks.next_multiple_of(workers) } else { chunks };
        let parts = if whole { 1 } else { workers.min(groups) };
        let chunk = tiles.div_ceil(chunks);
        let line = LANES * size_of::<i32>() / size_of::<E>();
        let cut = Cut {
            tiles,
            chunk,
            window_step: ((in_blocks * chunk * LANES).div_ceil(line) | 1) * line,
            sum_step: ((step * chunk) | 1) * LANES,
        };
        runs.clear();
        runs.extend((0..in_blocks).map(|block| {
            let channels = LANES.min(input.channels - block * LANES);
            Run { offset: block * chunk * LANES, length: channels.next_multiple_of(E::GROUP) }
        }));
        let runs: &[Run] = runs;
        let window_elements = FREQUENCIES * cut.window_step;
        let own = window_elements + FREQUENCIES * cut.sum_step * size_of::<i32>() / size_of::<E>();
        scratch.reserve(workers * own);
        let memory = Shared::new(scratch.as_mut_ptr());
        leader.fan_out(chunks * parts, &|worker, task| {
            let (index, part) = (task / parts, task % parts);
            // SAFETY: each worker has windows and sums of its own; tasks write disjoint tiles, or disjoint channels of them. Windows are
            // whole cache lines, so sums are aligned as the memory is.
            unsafe {
                let windows = memory.pointer().add(worker * own);
                let sums = windows.add(window_elements).cast::<i32>();
                for block in 0..in_blocks {
                    let job = Gather {
                        plane: operands.input.add(block * input.plane()),
                        map: *input,
                        first: index * chunk,
                        count: cut.count(index),
                        windows: windows.add(block * chunk * LANES),
                        window_step: cut.window_step,
                    };
                    (self.transforms.gather)(&job);
                }
                for group in part * groups / parts..(part + 1) * groups / parts {
                    self.multiply(operands, &cut, index, group, runs, windows, sums);
                    self.scatter(operands, taps, &cut, index, group, sums);
                }
            }
        });
    }

    /// Multiplies a chunk's windows by the weights of a group of output blocks.
    ///
    /// # Safety
    /// `windows` must hold the chunk and `sums` have room for it, and no other task may use `sums`.
    #[allow(clippy::too_many_arguments, reason = "windows and sums of one call")]
    unsafe fn multiply(
        &self,
        operands: &Operands<E>,
        cut: &Cut,
        index: usize,
        group: usize,
        runs: &[Run],
        windows: *const E,
        sums: *mut i32,
    ) {
        let kernels = &self.transforms.sums;
        let first = group * kernels.blocks();
        let blocks = kernels.blocks().min(operands.output_map.blocks() - first);
        let count = cut.count(index);
        let parts = count.div_ceil(kernels.pixels());
        for frequency in 0..FREQUENCIES {
            for part in 0..parts {
                let start = part * count / parts;
                let pixels = (part + 1) * count / parts - start;
                // SAFETY: tiles of the chunk and frequencies below 16 lie inside windows, weights and sums.
                unsafe {
                    let tile = Tile {
                        input: windows.add(frequency * cut.window_step + start * LANES),
                        runs: runs.as_ptr(),
                        run_count: runs.len(),
                        weights: self.weights.as_ptr().add((first * FREQUENCIES + frequency * blocks) * self.rows),
                        constants: self.zeros.as_ptr(),
                        ends: Ends {
                            residual: std::ptr::null(),
                            output: sums.add(frequency * cut.sum_step + start * LANES).cast(),
                            tap: std::ptr::null_mut(),
                            tap_channels: 0,
                            floor: 0.0,
                            ceiling: 0.0,
                        },
                        residual_plane: 0,
                        output_plane: cut.chunk * LANES,
                        tap_pixel: 0,
                    };
                    kernels.get(pixels, blocks)(&tile);
                }
            }
        }
    }

    /// Writes the outputs of a chunk and a group of output blocks.
    ///
    /// # Safety
    /// `sums` must hold the chunk; no other task may write the same output.
    unsafe fn scatter(
        &self,
        operands: &Operands<E>,
        taps: Taps,
        cut: &Cut,
        index: usize,
        group: usize,
        sums: *const i32,
    ) {
        let output = &operands.output_map;
        let step = self.transforms.sums.blocks();
        for block in group * step..(group * step + step).min(output.blocks()) {
            let place = |map: &Map| block * map.plane() + map.origin();
            // SAFETY: the caller's contract; the block lies inside the maps.
            unsafe {
                let job = Scatter {
                    sums: sums.add((block - group * step) * cut.chunk * LANES),
                    sum_step: cut.sum_step,
                    constants: self.constants.as_ptr().add(block),
                    ends: Ends {
                        residual: operands
                            .add_map
                            .as_ref()
                            .map_or(std::ptr::null(), |map| operands.add.add(place(map))),
                        output: if operands.output.is_null() {
                            operands.output
                        } else {
                            operands.output.add(place(output))
                        },
                        tap: taps.at(output, 0, 0, 0, block),
                        tap_channels: output.channels - block * LANES,
                        floor: self.geometry.floor,
                        ceiling: self.geometry.ceiling,
                    },
                    residual_map: operands.add_map.unwrap_or(*output),
                    map: *output,
                    first: index * cut.chunk,
                    count: cut.count(index),
                };
                (self.transforms.scatter)(&job);
            }
        }
    }
}
