//! Convolution in groups, of any size and number, stride 1 or 2: each block of output channels reads the blocks of input channels that its
//! groups lie in.
//!
//! A group of a multiple of sixteen channels is a dense convolution of its own blocks. Where a block holds several groups, or groups
//! lie across blocks, the weights between different groups are 0: of 4 channels a group three quarters of the products.

#![allow(clippy::indexing_slicing, reason = "weights and runs are as long as the geometry says, which is asserted")]

use super::cut::{Cut, Limits, Place};
use super::map::Map;
use super::step::{Geometry, Operands};
use super::tile::{Form, Kernels, Run, Tile};
use crate::simd::{AlignedBuffer, LANES, Level};
use crate::team::Leader;

/// A convolution in groups with its weights packed.
pub(super) struct Grouped {
    geometry: Geometry,
    kernels: Kernels,
    /// Blocks of output channels of a tile.
    step: usize,
    /// The first block of input channels that each block of output channels reads.
    first: Vec<usize>,
    /// How many it reads.
    reach: usize,
    /// `[blocks][reach][kernel][kernel][16][16]`
    weights: AlignedBuffer<f32>,
    bias: AlignedBuffer<f32>,
}

impl Grouped {
    /// Packs `weight` `[out, in / groups, kernel, kernel]`.
    pub(super) fn new(level: Level, geometry: Geometry, groups: usize, weight: &[f32], bias: &[f32]) -> Self {
        let Geometry { in_channels: inputs, out_channels: outputs, kernel, .. } = geometry;
        let (of_inputs, of_outputs) = (inputs / groups, outputs / groups);
        geometry.check_weights(of_inputs, weight, bias);
        let taps = kernel * kernel;
        let blocks = outputs.div_ceil(LANES);
        // The channels that a block's outputs read, as blocks.
        let read = |block: usize| {
            let last = (block * LANES + LANES - 1).min(outputs - 1);
            let channels = block * LANES / of_outputs * of_inputs..(last / of_outputs + 1) * of_inputs;
            (channels.start / LANES, (channels.end - 1) / LANES + 1)
        };
        let reach = (0..blocks).map(|block| read(block).1 - read(block).0).max().unwrap_or(1);
        let first: Vec<usize> = (0..blocks).map(|block| read(block).0.min(inputs.div_ceil(LANES) - reach)).collect();
        let panel = reach * taps * LANES * LANES;
        let mut packed = AlignedBuffer::zeroed(blocks * panel);
        for output in 0..outputs {
            let (block, lane) = (output / LANES, output % LANES);
            for input in 0..of_inputs {
                let channel = output / of_outputs * of_inputs + input - first[block] * LANES;
                for tap in 0..taps {
                    let row = (channel / LANES * taps + tap) * LANES + channel % LANES;
                    packed[block * panel + row * LANES + lane] = weight[(output * of_inputs + input) * taps + tap];
                }
            }
        }
        let mut biases = AlignedBuffer::zeroed(blocks * LANES);
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        let kernels = Kernels::new(level, if geometry.stride == 2 { Form::Stride2 } else { Form::Stride1 });
        let in_pairs = first.chunks(2).all(|pair| pair.iter().all(|first| *first == pair[0]));
        let step = if in_pairs { kernels.blocks() } else { 1 };
        Self { geometry, kernels, step, first, reach, weights: packed, bias: biases }
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, and the border of the input covers every window.
    pub(super) unsafe fn execute(
        &self,
        operands: &Operands,
        images: usize,
        leader: &mut Leader<'_>,
        runs: &mut Vec<Run>,
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        operands.check_border(&self.geometry);
        let (input, output) = (&operands.input_map, &operands.output_map);
        assert_eq!(input.pixel, LANES, "the image is in no groups");
        let Geometry { kernel, stride, padding, floor, ceiling, .. } = self.geometry;
        runs.clear();
        for block in 0..self.reach {
            let tap = |tap: usize| tap / kernel * input.row() + tap % kernel * LANES;
            let run = |offset: usize| Run { offset: block * input.plane() + offset, length: LANES };
            runs.extend((0..kernel * kernel).map(tap).map(run));
        }
        let limits =
            Limits { second_level, workers: leader.workers(), pixels: self.kernels.pixels(), blocks: self.step };
        let cut = Cut::new(operands, &self.geometry, images, limits);
        let (top, left) = operands.pads(padding, kernel, stride);
        let (down, right) = (input.before - top, input.before - left);
        let panel = self.reach * kernel * kernel * LANES * LANES;
        let runs: &[Run] = runs;

        leader.fan_out(cut.tasks(), &|_, task| {
            cut.tiles_of(task, |Place { image, y, x, pixels, block, count, .. }| {
                // SAFETY: offsets of pixels inside the maps: `x + pixels <= width`, `y < rows`, the borders of
                // the input cover the kernel window; no two (task, tile) pairs share output pixels and blocks.
                unsafe {
                    let from = image * input.image()
                        + self.first[block] * input.plane()
                        + (down + y * stride) * input.row()
                        + (right + x * stride) * LANES;
                    let to = |map: &Map| {
                        image * map.image() + map.origin() + y * map.row() + x * LANES + block * map.plane()
                    };
                    let tile = Tile {
                        input: operands.input.add(from),
                        runs: runs.as_ptr(),
                        run_count: runs.len(),
                        weights: self.weights.as_ptr().add(block * panel),
                        panel,
                        ahead: 0,
                        bias: self.bias.as_ptr().add(block * LANES),
                        residual: operands.add_map.as_ref().map_or(std::ptr::null(), |map| operands.add.add(to(map))),
                        residual_plane: operands.add_map.map_or(0, |map| map.plane()),
                        output: operands.output.add(to(output)),
                        output_plane: output.plane(),
                        floor,
                        ceiling,
                    };
                    self.kernels.get(pixels, count)(&tile);
                }
            });
        });
    }
}
