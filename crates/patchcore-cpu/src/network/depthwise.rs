//! Depthwise convolution: one filter a channel, vertical vector code over the blocked layout.

#![allow(clippy::indexing_slicing, reason = "weights are as long as the geometry says, which is asserted")]

use super::bands::Bands;
use super::step::{Geometry, Operands};
use crate::simd::{AlignedBuffer, LANES, Lanes, Level, dispatch};
use crate::team::Leader;

/// A depthwise convolution with its weights packed.
pub(super) struct Depthwise {
    level: Level,
    geometry: Geometry,
    /// `[blocks][kernel][kernel][16]`
    weights: AlignedBuffer<f32>,
    bias: AlignedBuffer<f32>,
}

/// Rows of one plane.
#[derive(Clone, Copy)]
struct Rows {
    input: *const f32,
    input_row: usize,
    weights: *const f32,
    bias: *const f32,
    /// Residual, or null.
    residual: *const f32,
    residual_row: usize,
    output: *mut f32,
    output_row: usize,
    rows: usize,
    width: usize,
    kernel: usize,
    stride: usize,
    floor: f32,
    ceiling: f32,
}

impl Depthwise {
    /// Packs `weight` `[channels, 1, kernel, kernel]`.
    pub(super) fn new(level: Level, geometry: Geometry, weight: &[f32], bias: &[f32]) -> Self {
        let (channels, taps) = (geometry.in_channels, geometry.kernel * geometry.kernel);
        geometry.check_weights(1, weight, bias);
        let mut packed = AlignedBuffer::zeroed(channels.next_multiple_of(LANES) * taps);
        for (block, to) in packed.chunks_exact_mut(taps * LANES).enumerate() {
            for (tap, row) in to.chunks_exact_mut(LANES).enumerate() {
                for (lane, value) in row.iter_mut().enumerate() {
                    let channel = block * LANES + lane;
                    if channel < channels {
                        *value = weight[channel * taps + tap];
                    }
                }
            }
        }
        let mut biases = AlignedBuffer::zeroed(channels.next_multiple_of(LANES));
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        Self { level, geometry, weights: packed, bias: biases }
    }

    /// Convolves `images` images.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, and the border of the input covers every window.
    pub(super) unsafe fn execute(&self, operands: &Operands, images: usize, leader: &mut Leader<'_>) {
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
                    weights: self.weights.as_ptr().add(block * kernel * kernel * LANES),
                    bias: self.bias.as_ptr().add(block * LANES),
                    residual: operands.add_map.map_or(std::ptr::null(), |map| {
                        let plane = image * map.image() + block * map.plane();
                        operands.add.add(plane + map.origin() + band.start * map.row())
                    }),
                    residual_row: operands.add_map.map_or(0, |map| map.row()),
                    output: operands.output.add(
                        image * output.image() + block * output.plane() + output.origin() + band.start * output.row(),
                    ),
                    output_row: output.row(),
                    rows: band.len(),
                    width: output.width,
                    kernel,
                    stride,
                    floor,
                    ceiling,
                };
                convolve_rows(self.level, &rows);
            }
        });
    }
}

dispatch! {
    /// Convolves the rows of a plane.
    fn convolve_rows(rows: &Rows) => convolve_rows_kernel
}

#[inline(always)]
unsafe fn convolve_rows_kernel<L: Lanes>(rows: &Rows) {
    // SAFETY: the caller's contract.
    unsafe {
        match (rows.kernel, rows.stride) {
            (3, 1) => sweep::<L, 3, 1>(rows),
            (3, 2) => sweep::<L, 3, 2>(rows),
            (5, 1) => sweep::<L, 5, 1>(rows),
            (5, 2) => sweep::<L, 5, 2>(rows),
            (_, 1) => sweep::<L, 0, 1>(rows),
            _ => sweep::<L, 0, 2>(rows),
        }
    }
}

/// `KERNEL` 0 is a kernel known at run time only.
#[inline(always)]
unsafe fn sweep<L: Lanes, const KERNEL: usize, const STRIDE: usize>(rows: &Rows) {
    for y in 0..rows.rows {
        let mut x = 0;
        // SAFETY: `x + pixels <= width` in every call.
        unsafe {
            while x + 14 <= rows.width {
                pixels::<L, KERNEL, STRIDE, 14>(rows, y, x);
                x += 14;
            }
            while x + 4 <= rows.width {
                pixels::<L, KERNEL, STRIDE, 4>(rows, y, x);
                x += 4;
            }
            while x < rows.width {
                pixels::<L, KERNEL, STRIDE, 1>(rows, y, x);
                x += 1;
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "constant bounds: unrolled into registers")]
unsafe fn pixels<L: Lanes, const KERNEL: usize, const STRIDE: usize, const PIXELS: usize>(
    rows: &Rows,
    y: usize,
    x: usize,
) {
    let kernel = if KERNEL == 0 { rows.kernel } else { KERNEL };
    // SAFETY: the caller's contract; taps lie inside the bordered input.
    unsafe {
        let mut sums = [L::load(rows.bias); PIXELS];
        for tap_y in 0..kernel {
            let line = rows.input.add((y * STRIDE + tap_y) * rows.input_row + x * STRIDE * LANES);
            for tap_x in 0..kernel {
                let weight = L::load(rows.weights.add((tap_y * kernel + tap_x) * LANES));
                for pixel in 0..PIXELS {
                    let value = L::load(line.add((pixel * STRIDE + tap_x) * LANES));
                    sums[pixel] = L::mul_add(value, weight, sums[pixel]);
                }
            }
        }
        let (floor, ceiling) = (L::splat(rows.floor), L::splat(rows.ceiling));
        let output = rows.output.add(y * rows.output_row + x * LANES);
        for pixel in 0..PIXELS {
            let mut sum = sums[pixel];
            if !rows.residual.is_null() {
                sum = L::add(sum, L::load(rows.residual.add(y * rows.residual_row + (x + pixel) * LANES)));
            }
            L::store(output.add(pixel * LANES), L::at_most(ceiling, L::at_least(floor, sum)));
        }
    }
}
