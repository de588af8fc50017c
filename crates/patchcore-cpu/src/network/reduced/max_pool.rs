//! Max-pool 3x3, stride 2, padding 1.

#![allow(clippy::indexing_slicing, reason = "constant-length arrays, indices below their length")]

use super::super::bands::Bands;
use super::super::step::Operands;
use super::kernel_set::KernelSet;
use super::storage::Element;
use crate::simd::LANES;
use crate::team::Leader;

/// One plane in, rows of one plane out.
#[derive(Clone, Copy)]
pub(super) struct Pool<E> {
    input: *const E,
    input_row: usize,
    height: usize,
    width: usize,
    output: *mut E,
    output_row: usize,
    /// First row of the output, and the one after the last.
    output_rows: (usize, usize),
    output_width: usize,
}

/// Pools `images` images.
///
/// # Safety
/// The contract of [`Operands`] holds for `images` images; there is no residual.
pub(super) unsafe fn max_pool<E: Element>(
    kernels: &KernelSet<E>,
    operands: &Operands<E>,
    images: usize,
    leader: &mut Leader<'_>,
) {
    let (input, output) = (operands.input_map, operands.output_map);
    let shape = (output.channels, output.pixel);
    assert_eq!((input.channels, input.pixel), shape, "a pool keeps channels and their layout");
    let sides = ((input.height - 1) / 2 + 1, (input.width - 1) / 2 + 1);
    assert_eq!((output.height, output.width), sides, "a pool halves the sides");
    let bands = Bands::new(output.blocks(), output.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        // SAFETY: each task has rows of its own; offsets lie inside the maps.
        unsafe {
            let pool = Pool {
                input: operands.input.add(image * input.image() + block * input.plane() + input.origin()),
                input_row: input.row(),
                height: input.height,
                width: input.width,
                output: operands.output.add(image * output.image() + block * output.plane() + output.origin()),
                output_row: output.row(),
                output_rows: (band.start, band.end),
                output_width: output.width,
            };
            (kernels.pool)(&pool);
        }
    });
}

/// The compiler makes vectors of it.
///
/// # Safety
/// All pointers must be valid for the shapes.
#[inline(always)]
pub(super) unsafe fn pool_rows<E: Element>(pool: &Pool<E>) {
    for y in pool.output_rows.0..pool.output_rows.1 {
        // Clamping a window to the plane repeats pixels of the window, which changes no maximum.
        let line = |row: usize| {
            let row = row.saturating_sub(1).min(pool.height - 1);
            // SAFETY: `row < height`.
            unsafe { pool.input.add(row * pool.input_row) }
        };
        let lines = [line(2 * y), line(2 * y + 1), line(2 * y + 2)];
        for x in 0..pool.output_width {
            // SAFETY: columns are below `width`, `x` below the output's width.
            unsafe {
                let pixel = |line: *const E, column: usize| {
                    let column = column.saturating_sub(1).min(pool.width - 1);
                    line.add(column * LANES).cast::<[E; LANES]>().read()
                };
                let mut largest = pixel(lines[0], 2 * x);
                for line in lines {
                    for column in 2 * x..2 * x + 3 {
                        let other = pixel(line, column);
                        for (largest, other) in largest.iter_mut().zip(other) {
                            *largest = largest.larger(other);
                        }
                    }
                }
                pool.output.add(y * pool.output_row + x * LANES).cast::<[E; LANES]>().write(largest);
            }
        }
    }
}
