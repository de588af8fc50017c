//! Depthwise convolution: one filter a channel. A lane takes several taps of a kernel row at once: neighbouring pixels, turned so that each
//! lane has those of its channel.

#![allow(clippy::indexing_slicing, reason = "weights are as long as the geometry says, which is asserted")]

use super::super::bands::Bands;
use super::super::step::{Geometry, Operands};
use super::finish::{ANY, Constants, Ends, Loaded, PLAIN};
use super::kernel_set::KernelSet;
use super::storage::{Element, Storage};
use super::taps::Taps;
use crate::simd::{AlignedBuffer, LANES};
use crate::team::Leader;

/// Most groups of a kernel row whose weights stay in registers.
const GROUPS: usize = 3;
/// Pixels that are written at once.
const FOUR: usize = 4;
/// Most rows of a kernel whose weights stay in registers.
const ROWS: usize = 5;

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

/// Rows of one plane.
#[derive(Clone, Copy)]
pub(super) struct Rows<E: Element> {
    input: *const E,
    input_row: usize,
    weights: *const E::Weight,
    constants: *const Constants,
    /// Of the first pixel.
    ends: Ends<E>,
    residual_row: usize,
    output_row: usize,
    tap_row: usize,
    tap_pixel: usize,
    rows: usize,
    width: usize,
    kernel: usize,
    stride: usize,
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

/// # Safety
/// All pointers of the rows must be valid for their shape, and the instruction set of the storage enabled.
#[inline(always)]
pub(super) unsafe fn convolve_rows<S: Storage>(rows: &Rows<S::Element>) {
    // SAFETY: the caller's contract.
    unsafe {
        let is_plain = rows.ends.kind(rows.constants) == PLAIN;
        match (rows.kernel, rows.stride) {
            (3, 1) if is_plain => in_registers::<S, 3, 1, 2, PLAIN>(rows),
            (3, 2) if is_plain => in_registers::<S, 3, 2, 1, PLAIN>(rows),
            (5, 1) if is_plain => in_registers::<S, 5, 1, 2, PLAIN>(rows),
            (5, 2) if is_plain => in_registers::<S, 5, 2, 1, PLAIN>(rows),
            (_, 1) => from_memory::<S, 1, 2, ANY>(rows),
            _ => from_memory::<S, 2, 1, ANY>(rows),
        }
    }
}

/// With the weights of the whole kernel in registers; `AT_ONCE` pixels from the same neighbours.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn in_registers<S: Storage, const KERNEL: usize, const STRIDE: usize, const AT_ONCE: usize, const KIND: u8>(
    rows: &Rows<S::Element>,
) {
    let group = <S::Element as Element>::GROUP;
    let groups = (KERNEL + AT_ONCE - 1).div_ceil(group);
    // SAFETY: the caller's contract; `x + AT_ONCE <= width`, and for the last pixel its own sums alone are written.
    unsafe {
        let start = S::load_sums((&raw const (*rows.constants).start).cast());
        let constants = Loaded::<S>::new(rows.constants);
        let mut weights = [[[S::load_weights(rows.weights); GROUPS]; ROWS]; AT_ONCE];
        for pixel in 0..AT_ONCE {
            for tap_y in 0..KERNEL {
                for at in 0..groups {
                    let row = (pixel * KERNEL + tap_y) * groups + at;
                    weights[pixel][tap_y][at] = S::load_weights(rows.weights.add(row * LANES * group));
                }
            }
        }
        let sums_at = |y: usize, x: usize| {
            let mut sums = [start; AT_ONCE];
            for tap_y in 0..KERNEL {
                let line = rows.input.add((y * STRIDE + tap_y) * rows.input_row + x * STRIDE * LANES);
                for at in 0..groups {
                    let values = S::neighbours(line.add(at * group * LANES));
                    for pixel in 0..AT_ONCE {
                        sums[pixel] = S::add_products(sums[pixel], values, weights[pixel][tap_y][at]);
                    }
                }
            }
            sums
        };
        for y in 0..rows.rows {
            let mut x = 0;
            while S::Element::SATURATES && x + FOUR <= rows.width {
                let steps = |x: usize, sums| constants.steps::<KIND>(sums, &rows.ends_at::<KIND>(y, x));
                let four = if AT_ONCE == 2 {
                    let (first, second) = (sums_at(y, x), sums_at(y, x + 2));
                    [
                        steps(x, first[0]),
                        steps(x + 1, first[AT_ONCE - 1]),
                        steps(x + 2, second[0]),
                        steps(x + 3, second[AT_ONCE - 1]),
                    ]
                } else {
                    [0, 1, 2, 3].map(|pixel| steps(x + pixel, sums_at(y, x + pixel)[0]))
                };
                S::store_four_held(rows.ends_at::<KIND>(y, x).output, four);
                x += FOUR;
            }
            while x < rows.width {
                let sums = sums_at(y, x);
                constants.finish::<KIND>(sums[0], &rows.ends_at::<KIND>(y, x));
                // Not in a loop as long as the pixels that are left: then the sums would lie in memory.
                if AT_ONCE == 2 && x + 1 < rows.width {
                    constants.finish::<KIND>(sums[AT_ONCE - 1], &rows.ends_at::<KIND>(y, x + 1));
                }
                x += AT_ONCE;
            }
        }
    }
}

/// Any kernel.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn from_memory<S: Storage, const STRIDE: usize, const AT_ONCE: usize, const KIND: u8>(rows: &Rows<S::Element>) {
    let group = <S::Element as Element>::GROUP;
    let kernel = rows.kernel;
    let groups = (kernel + AT_ONCE - 1).div_ceil(group);
    // SAFETY: the caller's contract; `x + AT_ONCE <= width`, and for the last pixel its own sums alone are written.
    unsafe {
        let start = S::load_sums((&raw const (*rows.constants).start).cast());
        let constants = Loaded::<S>::new(rows.constants);
        for y in 0..rows.rows {
            let mut x = 0;
            while x < rows.width {
                let mut sums = [start; AT_ONCE];
                for tap_y in 0..kernel {
                    let line = rows.input.add((y * STRIDE + tap_y) * rows.input_row + x * STRIDE * LANES);
                    for at in 0..groups {
                        let values = S::neighbours(line.add(at * group * LANES));
                        for pixel in 0..AT_ONCE {
                            let row = (pixel * kernel + tap_y) * groups + at;
                            let weights = S::load_weights(rows.weights.add(row * LANES * group));
                            sums[pixel] = S::add_products(sums[pixel], values, weights);
                        }
                    }
                }
                constants.finish::<KIND>(sums[0], &rows.ends_at::<KIND>(y, x));
                // Not in a loop as long as the pixels that are left: then the sums would lie in memory.
                if AT_ONCE == 2 && x + 1 < rows.width {
                    constants.finish::<KIND>(sums[AT_ONCE - 1], &rows.ends_at::<KIND>(y, x + 1));
                }
                x += AT_ONCE;
            }
        }
    }
}

impl<E: Element> Rows<E> {
    #[inline(always)]
    fn ends_at<const KIND: u8>(&self, y: usize, x: usize) -> Ends<E> {
        self.ends.moved::<KIND>(
            y * self.residual_row + x * LANES,
            y * self.output_row + x * LANES,
            y * self.tap_row + x * self.tap_pixel,
            self.ends.tap_channels,
        )
    }
}
