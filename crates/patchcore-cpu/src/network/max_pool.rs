//! Max-pool 3x3, stride 2, padding 1.

use super::bands::Bands;
use super::step::Operands;
use crate::simd::{LANES, Lanes, Level, dispatch};
use crate::team::Leader;

/// One plane in, rows of one plane out.
#[derive(Clone, Copy)]
pub(super) struct Pool<E> {
    pub(super) input: *const E,
    pub(super) input_row: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) output: *mut E,
    pub(super) output_row: usize,
    /// First row of the output, and the one after the last.
    pub(super) output_rows: (usize, usize),
    pub(super) output_width: usize,
}

/// Pools `images` images.
///
/// # Safety
/// The contract of [`Operands`] holds for `images` images; there is no residual.
pub(super) unsafe fn max_pool(level: Level, operands: &Operands, images: usize, leader: &mut Leader<'_>) {
    // SAFETY: the caller's contract; what is pooled is valid for its shapes.
    unsafe { max_pool_by(operands, images, leader, &|pool| pool_rows(level, pool)) }
}

/// The same of maps of any elements; `rows` pools rows of one plane.
///
/// # Safety
/// The contract of [`Operands`] holds for `images` images; there is no residual.
pub(super) unsafe fn max_pool_by<E: Sync>(
    operands: &Operands<E>,
    images: usize,
    leader: &mut Leader<'_>,
    rows: &(dyn Fn(&Pool<E>) + Sync),
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
        let (from, to) = unsafe {
            (
                operands.input.add(image * input.image() + block * input.plane() + input.origin()),
                operands.output.add(image * output.image() + block * output.plane() + output.origin()),
            )
        };
        rows(&Pool {
            input: from,
            input_row: input.row(),
            height: input.height,
            width: input.width,
            output: to,
            output_row: output.row(),
            output_rows: (band.start, band.end),
            output_width: output.width,
        });
    });
}

dispatch! {
    /// Pools rows of one plane.
    fn pool_rows(planes: &Pool<f32>) => pool_rows_kernel
}

#[inline(always)]
unsafe fn pool_rows_kernel<L: Lanes>(planes: &Pool<f32>) {
    for y in planes.output_rows.0..planes.output_rows.1 {
        // Clamping a window to the plane repeats pixels of the window, which changes no maximum.
        let line = |row: usize| {
            let row = row.saturating_sub(1).min(planes.height - 1);
            // SAFETY: `row < height`.
            unsafe { planes.input.add(row * planes.input_row) }
        };
        let lines = (line(2 * y), line(2 * y + 1), line(2 * y + 2));
        for x in 0..planes.output_width {
            // SAFETY: columns are below `width`, `x` below the output's width.
            unsafe {
                let column = |column: usize| {
                    let offset = column.saturating_sub(1).min(planes.width - 1) * LANES;
                    L::at_least(
                        L::load(lines.0.add(offset)),
                        L::at_least(L::load(lines.1.add(offset)), L::load(lines.2.add(offset))),
                    )
                };
                let largest = L::at_least(column(2 * x), L::at_least(column(2 * x + 1), column(2 * x + 2)));
                L::store(planes.output.add(y * planes.output_row + x * LANES), largest);
            }
        }
    }
}
