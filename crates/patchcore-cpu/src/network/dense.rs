//! Direct convolution, any kernel, stride 1 or 2: an implicit matrix product without im2col.

#![allow(clippy::indexing_slicing, reason = "weights and runs are as long as the geometry says, which is asserted")]

use super::cut::{Cut, Limits, Place};
use super::map::Map;
use super::prologue::{Prologue, Scaled, scale_pixels};
use super::step::{Geometry, Operands};
use super::tile::{Form, Kernels, Run, Tile};
use crate::simd::{AlignedBuffer, LANES, Level};
use crate::team::{Leader, Shared};

/// A direct convolution with its weights packed.
pub(super) struct Dense {
    geometry: Geometry,
    planar: bool,
    kernels: Kernels,
    /// `[blocks][k][16]` in the order in which the runs visit the input.
    weights: AlignedBuffer<f32>,
    /// Floats of a block's weights.
    panel: usize,
    bias: AlignedBuffer<f32>,
    /// What is made of the input first, of a convolution that sees one pixel.
    prologue: Option<Prologue>,
    level: Level,
    /// For tiles that do not see the padding, where the last plane of the input is ones.
    inside: Option<Inside>,
}

/// What a tile needs that sees no padding: there the last plane's taps always sum to the same constant.
struct Inside {
    /// The bias with that constant.
    bias: AlignedBuffer<f32>,
    /// Planes that are left to read.
    planes: usize,
}

impl Dense {
    /// Packs `weight` `[out, in, kernel, kernel]` for planar input whose last plane is ones, padded with zeros.
    pub(super) fn with_plane_of_ones(level: Level, geometry: Geometry, weight: &[f32], bias: &[f32]) -> Self {
        let mut dense = Self::new(level, geometry, true, weight, bias);
        let taps = geometry.kernel * geometry.kernel;
        let mut inside = AlignedBuffer::zeroed(geometry.out_channels.next_multiple_of(LANES));
        let filters = weight.chunks_exact(geometry.in_channels * taps);
        for (to, (filter, bias)) in inside.iter_mut().zip(filters.zip(bias)) {
            let ones: f64 = filter.iter().rev().take(taps).map(|value| f64::from(*value)).sum();
            *to = (f64::from(*bias) + ones) as f32;
        }
        dense.inside = Some(Inside { bias: inside, planes: geometry.in_channels - 1 });
        dense
    }

    /// Packs `weight` `[out, in, kernel, kernel]`.
    pub(super) fn new(level: Level, geometry: Geometry, planar: bool, weight: &[f32], bias: &[f32]) -> Self {
        let form = match (planar, geometry.stride) {
            (true, _) => Form::PlanarStride2,
            (false, 2) => Form::Stride2,
            _ => Form::Stride1,
        };
        let (inputs, outputs, kernel) = (geometry.in_channels, geometry.out_channels, geometry.kernel);
        let taps = kernel * kernel;
        geometry.check_weights(inputs, weight, bias);
        let panel = inputs * taps * LANES;
        let mut packed = AlignedBuffer::zeroed(outputs.div_ceil(LANES) * panel);
        // Input channels and taps, in the order of the runs.
        let mut order = Vec::with_capacity(inputs * taps);
        if planar {
            order.extend((0..inputs).flat_map(|channel| (0..taps).map(move |tap| (channel, tap))));
        } else {
            for first in (0..inputs).step_by(LANES) {
                for tap in 0..taps {
                    order.extend((first..inputs.min(first + LANES)).map(|channel| (channel, tap)));
                }
            }
        }
        for (block, to) in packed.chunks_exact_mut(panel).enumerate() {
            for (row, (channel, tap)) in to.chunks_exact_mut(LANES).zip(&order) {
                for (lane, value) in row.iter_mut().enumerate() {
                    let out = block * LANES + lane;
                    if out < outputs {
                        *value = weight[(out * inputs + channel) * taps + tap];
                    }
                }
            }
        }
        let mut biases = AlignedBuffer::zeroed(outputs.next_multiple_of(LANES));
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        Self {
            geometry,
            planar,
            kernels: Kernels::new(level, form),
            weights: packed,
            panel,
            bias: biases,
            prologue: None,
            level,
            inside: None,
        }
    }

    /// The same convolution of what a prologue makes of its input.
    ///
    /// # Panics
    /// Where it sees more than one pixel, or a planar image.
    pub(super) fn with_prologue(self, prologue: Prologue) -> Self {
        let Geometry { kernel, stride, in_channels, .. } = self.geometry;
        assert!(kernel == 1 && stride == 1 && !self.planar, "a prologue comes before a convolution of single pixels");
        assert_eq!(prologue.scale.len(), in_channels.next_multiple_of(LANES), "a scale a channel");
        Self { prologue: Some(prologue), ..self }
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
        scratch: &mut AlignedBuffer<f32>,
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
        // A prologue makes a copy of its task's tiles, which the tiles of all output channels read.
        let copied = pixels * LANES;
        let copied_plane = cut.longest() * copied;
        let copies = if self.prologue.is_some() { input.blocks() * copied_plane } else { 0 };
        scratch.reserve(leader.workers() * copies);
        if self.prologue.is_some() {
            runs.iter_mut().enumerate().for_each(|(block, run)| run.offset = block * copied_plane);
        }
        let scratch = Shared::new(scratch.as_mut_ptr());
        let runs: &[Run] = runs;
        let kernel = self.geometry.kernel;
        let on_image = |y: usize, x: usize, pixels: usize| {
            let within = |first: usize, last: usize, before: usize, side: usize| {
                first * stride >= before && last * stride + kernel <= side + before
            };
            within(y, y, top, input.height) && within(x, x + pixels - 1, left, input.width)
        };

        leader.fan_out(cut.tasks(), &|worker, task| {
            let own = scratch.pointer().wrapping_add(worker * copies);
            let mut first_block = None;
            cut.tiles_of(task, |Place { image, y, x, pixels, block, count, number }| {
                let inside = self.inside.as_ref().filter(|_| on_image(y, x, pixels));
                let (bias, runs) = match inside {
                    Some(own) => (&own.bias, &runs[..own.planes * kernel]),
                    None => (&self.bias, runs),
                };
                // SAFETY: offsets of pixels inside the maps: `x + pixels <= width`, `y < rows`, the borders of
                // the input cover the kernel window; no two (task, tile) pairs share output pixels and blocks.
                unsafe {
                    let from =
                        image * input.image() + (down + y * stride) * input.row() + (right + x * stride) * input.pixel;
                    let to = |map: &Map| {
                        image * map.image() + map.origin() + y * map.row() + x * LANES + block * map.plane()
                    };
                    let mut source = operands.input.add(from);
                    if let Some(prologue) = &self.prologue {
                        let copy = own.add(number * copied);
                        // All tiles come for the task's first block before they come again.
                        if *first_block.get_or_insert(block) == block {
                            let job = Scaled {
                                from: source,
                                plane: input.plane(),
                                to: copy,
                                to_plane: copied_plane,
                                pixels,
                                blocks: input.blocks(),
                                scale: prologue.scale.as_ptr(),
                                shift: prologue.shift.as_ptr(),
                            };
                            scale_pixels(self.level, &job);
                        }
                        source = copy;
                    }
                    let tile = Tile {
                        input: source,
                        runs: runs.as_ptr(),
                        run_count: runs.len(),
                        weights: self.weights.as_ptr().add(block * self.panel),
                        panel: self.panel,
                        ahead: 0,
                        bias: bias.as_ptr().add(block * LANES),
                        residual: operands.add_map.as_ref().map_or(std::ptr::null(), |map| operands.add.add(to(map))),
                        residual_plane: operands.add_map.map_or(0, |map| map.plane()),
                        output: operands.output.add(to(output)),
                        output_plane: output.plane(),
                        floor: self.geometry.floor,
                        ceiling: self.geometry.ceiling,
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
                if self.planar {
                    runs.push(Run { offset, length: kernel });
                } else {
                    let length = LANES.min(input.channels - block * LANES);
                    runs.extend((0..kernel).map(|x| Run { offset: offset + x * LANES, length }));
                }
            }
        }
    }
}
