//! Depthwise convolution: one filter a channel. A lane takes several taps of a kernel row at once: neighbouring pixels, turned so that each
//! lane has those of its channel.

#![allow(clippy::indexing_slicing, reason = "weights are as long as the geometry says, which is asserted")]

use super::super::bands::Bands;
use super::super::step::{Geometry, Operands};
use super::depthwise_rows::Rows;
use super::finish::{Constants, Ends};
use super::kernel_set::KernelSet;
use super::storage::Element;
use super::taps::Taps;
use crate::simd::{AlignedBuffer, LANES};
use crate::team::Leader;

/// A depthwise convolution with its weights packed.
pub(super) struct Depthwise<E: Element> {
    geometry: Geometry,
    kernels: &'static KernelSet<E>,
    /// `[blocks][pixels at once][kernel][groups][16][group]`: the kernel rows once for each of the pixels that are computed from the same
    /// neighbours, moved on by as many places.
    weights: AlignedBuffer<E::Weight>,
    /// Weights of a block.
    panel: usize,
    constants: AlignedBuffer<Constants>,
}

/// Pixels that are computed from the same neighbours.
fn at_once(stride: usize) -> usize {
    if stride == 1 { 2 } else { 1 }
}

impl<E: Element> Depthwise<E> {
    /// Packs `weights` `[channels, 1, kernel, kernel]`.
    pub(super) fn new(
        kernels: &'static KernelSet<E>,
        geometry: Geometry,
        weights: &[E::Weight],
        constants: AlignedBuffer<Constants>,
    ) -> Self {
        let (channels, kernel) = (geometry.in_channels, geometry.kernel);
        let taps = kernel * kernel;
        assert_eq!(weights.len(), channels * taps, "weights are those of the geometry");
        assert_eq!(constants.len(), channels.div_ceil(LANES), "every block of channels has its constants");
        let pixels = at_once(geometry.stride);
        let groups = (kernel + pixels - 1).div_ceil(E::GROUP);
        let panel = pixels * kernel * groups * LANES * E::GROUP;
        let mut packed = AlignedBuffer::zeroed(channels.div_ceil(LANES) * panel);
        for channel in 0..channels {
            let (block, lane) = (channel / LANES, channel % LANES);
            for pixel in 0..pixels {
                for y in 0..kernel {
                    for x in 0..kernel {
                        let place = x + pixel;
                        let row = ((block * pixels + pixel) * kernel + y) * groups + place / E::GROUP;
                        packed[(row * LANES + lane) * E::GROUP + place % E::GROUP] =
                            weights[channel * taps + y * kernel + x];
                    }
                }
            }
        }
        Self { geometry, kernels, weights: packed, panel, constants }
    }

    /// Convolves `images` images.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, the border of the input covers every window, and `taps` are those of the
    /// group.
    pub(super) unsafe fn execute(&self, operands: &Operands<E>, taps: Taps, images: usize, leader: &mut Leader<'_>) {
        operands.check(&self.geometry, images);
        operands.check_border(&self.geometry);
        let (input, output) = (operands.input_map, operands.output_map);
        let Geometry { kernel, stride, padding, floor, ceiling, .. } = self.geometry;
        let (top, left) = operands.pads(padding, kernel, stride);
        let bands = Bands::new(output.blocks(), output.height, leader.workers());
        leader.fan_out(bands.tasks(images), &|_, task| {
            let (image, block, band) = bands.task(task);
            // SAFETY: each task has rows of its own; the border of the input covers the kernel window.
            unsafe {
                let rows = Rows {
                    input: operands.input.add(
                        image * input.image()
                            + block * input.plane()
                            + (input.before - top + band.start * stride) * input.row()
                            + (input.before - left) * LANES,
                    ),
                    input_row: input.row(),
                    weights: self.weights.as_ptr().add(block * self.panel),
                    constants: self.constants.as_ptr().add(block),
                    ends: Ends {
                        residual: operands.add_map.map_or(std::ptr::null(), |map| {
                            let plane = image * map.image() + block * map.plane();
                            operands.add.add(plane + map.origin() + band.start * map.row())
                        }),
                        output: if operands.output.is_null() {
                            operands.output
                        } else {
                            let plane = image * output.image() + block * output.plane();
                            operands.output.add(plane + output.origin() + band.start * output.row())
                        },
                        tap: taps.at(&output, image, band.start, 0, block),
                        tap_channels: output.channels - block * LANES,
                        floor,
                        ceiling,
                    },
                    residual_row: operands.add_map.map_or(0, |map| map.row()),
                    output_row: output.row(),
                    tap_row: output.width * output.channels,
                    tap_pixel: output.channels,
                    rows: band.len(),
                    width: output.width,
                    kernel,
                    stride,
                };
                (self.kernels.depthwise)(&rows);
            }
        });
    }
}
