//! Max-pool 3x3, stride 2, padding 1.

use super::super::bands::Bands;
use super::super::step::Operands;
use super::kernel_set::KernelSet;
use super::pool_rows::Pool;
use super::storage::Element;
use crate::team::Leader;

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
