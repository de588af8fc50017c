//! Average pool 2x2, stride 2, of what the step's prologue makes of its input.

use super::bands::Bands;
use super::prologue::Prologue;
use super::step::Operands;
use crate::simd::{LANES, Lanes, Level, dispatch};
use crate::team::Leader;

/// One plane in, rows of one plane out.
#[derive(Clone, Copy)]
struct Rows {
    /// The first two rows.
    input: *const f32,
    input_row: usize,
    scale: *const f32,
    shift: *const f32,
    output: *mut f32,
    output_row: usize,
    rows: usize,
    width: usize,
}

/// Pools `images` images.
///
/// # Safety
/// The contract of [`Operands`] holds for `images` images; there is no residual.
pub(super) unsafe fn average_pool(
    level: Level,
    prologue: &Prologue,
    operands: &Operands,
    images: usize,
    leader: &mut Leader<'_>,
) {
    let (input, output) = (operands.input_map, operands.output_map);
    let shape = (output.channels, output.pixel);
    assert_eq!((input.channels, input.pixel), shape, "a pool keeps channels and their layout");
    assert_eq!((output.height, output.width), (input.height / 2, input.width / 2), "a pool halves the sides");
    let channels = output.blocks() * LANES;
    assert_eq!((prologue.scale.len(), prologue.shift.len()), (channels, channels), "a scale and a shift a channel");
    let bands = Bands::new(output.blocks(), output.height, leader.workers());
    leader.fan_out(bands.tasks(images), &|_, task| {
        let (image, block, band) = bands.task(task);
        // SAFETY: each task has rows of its own; twice as many rows and columns lie inside the input.
        unsafe {
            let from = image * input.image() + block * input.plane() + input.origin() + 2 * band.start * input.row();
            let to = image * output.image() + block * output.plane() + output.origin() + band.start * output.row();
            let rows = Rows {
                input: operands.input.add(from),
                input_row: input.row(),
                scale: prologue.scale.as_ptr().add(block * LANES),
                shift: prologue.shift.as_ptr().add(block * LANES),
                output: operands.output.add(to),
                output_row: output.row(),
                rows: band.len(),
                width: output.width,
            };
            pool_rows(level, &rows);
        }
    });
}

dispatch! {
    /// Pools rows of one plane.
    fn pool_rows(rows: &Rows) => pool_rows_kernel
}

#[inline(always)]
unsafe fn pool_rows_kernel<L: Lanes>(rows: &Rows) {
    // SAFETY: the caller's contract.
    unsafe {
        let (scale, shift) = (L::load(rows.scale), L::load(rows.shift));
        let (zero, quarter) = (L::splat(0.0), L::splat(0.25));
        for y in 0..rows.rows {
            let upper = rows.input.add(2 * y * rows.input_row);
            let lower = upper.add(rows.input_row);
            for x in 0..rows.width {
                let at = |line: *const f32, column: usize| {
                    let value = L::load(line.add((2 * x + column) * LANES));
                    L::at_least(zero, L::mul_add(value, scale, shift))
                };
                let sum = L::add(L::add(at(upper, 0), at(upper, 1)), L::add(at(lower, 0), at(lower, 1)));
                L::store(rows.output.add(y * rows.output_row + x * LANES), L::mul(sum, quarter));
            }
        }
    }
}
