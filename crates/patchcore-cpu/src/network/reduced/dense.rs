//! Direct convolution, any kernel, stride 1 or 2: an implicit matrix product without im2col.

#![allow(clippy::indexing_slicing, reason = "weights and runs are as long as the geometry says, which is asserted")]

use super::super::cut::{Cut, Limits, Place};
use super::super::map::Map;
use super::super::step::{Geometry, Operands};
use super::super::tile::Run;
use super::finish::{Constants, Ends};
use super::kernel_set::KernelSet;
use super::storage::Element;
use super::taps::Taps;
use super::tile::{Form, Kernels, Tile};
use crate::simd::{AlignedBuffer, LANES};
use crate::team::Leader;

/// A direct convolution with its weights packed.
pub(super) struct Dense<E: Element> {
    geometry: Geometry,
    planar: bool,
    kernels: Kernels<E>,
    /// `[tiles of blocks][k / group][blocks of the tile][16][group]` in the order in which the runs visit the input.
    weights: AlignedBuffer<E::Weight>,
    /// Weights of a block.
    panel: usize,
    constants: AlignedBuffer<Constants>,
}

impl<E: Element> Dense<E> {
    /// Packs `weights` `[out, in, kernel, kernel]`.
    pub(super) fn new(
        kernels: &KernelSet<E>,
        geometry: Geometry,
        planar: bool,
        weights: &[E::Weight],
        constants: AlignedBuffer<Constants>,
    ) -> Self {
        let form = match (planar, geometry.stride) {
            (true, _) => Form::PlanarStride2,
            (false, 2) => Form::Stride2,
            _ => Form::Stride1,
        };
        let kernels = (kernels.tiles)(form);
        let (inputs, outputs, kernel) = (geometry.in_channels, geometry.out_channels, geometry.kernel);
        let taps = kernel * kernel;
        assert_eq!(weights.len(), outputs * inputs * taps, "weights are those of the geometry");
        assert_eq!(constants.len(), outputs.div_ceil(LANES), "every block of outputs has its constants");
        let order = order::<E>(&geometry, planar);
        let panel = order.len() * LANES;
        let blocks = outputs.div_ceil(LANES);
        let mut packed = AlignedBuffer::zeroed(blocks * panel);
        for block in 0..blocks {
            // Blocks of one tile lie side by side.
            let first = block - block % kernels.blocks();
            let count = kernels.blocks().min(blocks - first);
            for (row, group) in order.chunks_exact(E::GROUP).enumerate() {
                let to = first * panel + (row * count + block - first) * LANES * E::GROUP;
                for lane in 0..LANES.min(outputs - block * LANES) {
                    for (place, source) in group.iter().enumerate() {
                        if let Some((channel, tap)) = source {
                            let out = block * LANES + lane;
                            packed[to + lane * E::GROUP + place] = weights[(out * inputs + channel) * taps + tap];
                        }
                    }
                }
            }
        }
        Self { geometry, planar, kernels, weights: packed, panel, constants }
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, the border of the input covers every window, and `taps` are those of the
    /// group. A few elements beyond the input may be read.
    pub(super) unsafe fn execute(
        &self,
        operands: &Operands<E>,
        taps: Taps,
        images: usize,
        leader: &mut Leader<'_>,
        runs: &mut Vec<Run>,
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        operands.check_border(&self.geometry);
        let (input, output) = (&operands.input_map, &operands.output_map);
        self.find_runs(input, runs);
        let stride = self.geometry.stride;
        let (pixels, blocks) = (self.kernels.pixels(), self.kernels.blocks());
        let limits = Limits { second_level, workers: leader.workers(), pixels, blocks };
        let cut = Cut::new(operands, &self.geometry, images, limits);
        let (top, left) = operands.pads(self.geometry.padding, self.geometry.kernel, stride);
        let (down, right) = (input.before - top, input.before - left);
        let runs: &[Run] = runs;
        leader.fan_out(cut.tasks(), &|_, task| {
            cut.tiles_of(task, |Place { image, y, x, pixels, block, count, .. }| {
                // SAFETY: offsets of pixels inside the maps: `x + pixels <= width`, `y < rows`, the borders of
                // the input cover the kernel window; no two (task, tile) pairs share output pixels and blocks.
                unsafe {
                    let from =
                        image * input.image() + (down + y * stride) * input.row() + (right + x * stride) * input.pixel;
                    let to = |map: &Map| {
                        image * map.image() + map.origin() + y * map.row() + x * LANES + block * map.plane()
                    };
                    let tile = Tile {
                        input: operands.input.add(from),
                        runs: runs.as_ptr(),
                        run_count: runs.len(),
                        weights: self.weights.as_ptr().add(block * self.panel),
                        constants: self.constants.as_ptr().add(block),
                        ends: Ends {
                            residual: operands
                                .add_map
                                .as_ref()
                                .map_or(std::ptr::null(), |map| operands.add.add(to(map))),
                            output: if operands.output.is_null() {
                                operands.output
                            } else {
                                operands.output.add(to(output))
                            },
                            tap: taps.at(output, image, y, x, block),
                            tap_channels: output.channels - block * LANES,
                            floor: self.geometry.floor,
                            ceiling: self.geometry.ceiling,
                        },
                        residual_plane: operands.add_map.map_or(0, |map| map.plane()),
                        output_plane: output.plane(),
                        tap_pixel: output.channels,
                    };
                    self.kernels.get(pixels, count)(&tile);
                }
            });
        });
    }

    fn find_runs(&self, input: &Map, runs: &mut Vec<Run>) {
        runs.clear();
        let kernel = self.geometry.kernel;
        for block in 0..input.blocks() {
            for y in 0..kernel {
                let offset = block * input.plane() + y * input.row();
                let channels = LANES.min(input.channels - block * LANES.min(input.pixel));
                if self.planar {
                    runs.push(Run { offset, length: kernel.next_multiple_of(E::GROUP) });
                } else if channels == LANES {
                    // The pixels of a kernel's row follow each other.
                    runs.push(Run { offset, length: kernel * LANES });
                } else {
                    let length = channels.next_multiple_of(E::GROUP);
                    runs.extend((0..kernel).map(|x| Run { offset: offset + x * LANES, length }));
                }
            }
        }
    }
}

/// Input channel and tap of every element of the runs, in their order; none where a group has more elements than there are.
fn order<E: Element>(geometry: &Geometry, planar: bool) -> Vec<Option<(usize, usize)>> {
    let (inputs, kernel) = (geometry.in_channels, geometry.kernel);
    let mut order = Vec::with_capacity(inputs.next_multiple_of(E::GROUP) * kernel * kernel.next_multiple_of(E::GROUP));
    if planar {
        for channel in 0..inputs {
            for y in 0..kernel {
                let row = 0..kernel.next_multiple_of(E::GROUP);
                order.extend(row.map(|x| (x < kernel).then_some((channel, y * kernel + x))));
            }
        }
    } else {
        for first in (0..inputs).step_by(LANES) {
            let channels = first..first + LANES.min(inputs - first).next_multiple_of(E::GROUP);
            for tap in 0..kernel * kernel {
                order.extend(channels.clone().map(|channel| (channel < inputs).then_some((channel, tap))));
            }
        }
    }
    order
}
