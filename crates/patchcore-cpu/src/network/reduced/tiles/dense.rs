//! A step of the network on a matrix unit: its parts for the workers, and what becomes of the sums.

use super::super::super::map::Map;
use super::super::super::step::{Geometry, Operands};
use super::super::finish::{Constants, Ends};
use super::super::finish_row::SumsOfRow;
use super::super::kernel_set::KernelSet;
use super::super::matrix_unit::MatrixUnit;
use super::super::storage::Element;
use super::super::taps::Taps;
use super::convolution::{Part, Start, Strip, TileConvolution};
#[cfg(test)]
use crate::simd::amx::Model;
use crate::simd::amx::{Sums, Unit};
use crate::simd::{AlignedBuffer, LANES};
use crate::team::{Leader, Shared};

/// Share of the second-level cache that a part's packed input may fill: beside it lie weights and the output.
const INPUT_SHARE: usize = 4;

/// A dense convolution with its weights packed.
pub(in super::super) struct TileDense<E: Element> {
    unit: MatrixUnit,
    kernels: &'static KernelSet<E>,
    geometry: Geometry,
    convolution: TileConvolution<E>,
    constants: AlignedBuffer<Constants>,
}

impl<E: Element> TileDense<E> {
    /// Packs `weights` `[out, in, kernel, kernel]`. The sums are finished by `kernels`.
    pub(in super::super) fn new(
        unit: MatrixUnit,
        kernels: &'static KernelSet<E>,
        geometry: Geometry,
        weights: &[E::Weight],
        constants: AlignedBuffer<Constants>,
    ) -> Self {
        assert_eq!(constants.len(), geometry.out_channels.div_ceil(LANES), "every block of outputs has its constants");
        Self { unit, kernels, geometry, convolution: TileConvolution::new(geometry, weights), constants }
    }

    /// Convolves `images` images. The second-level cache has `second_level` bytes.
    ///
    /// # Safety
    /// The contract of [`Operands`] holds for `images` images, the border of the input covers every window, and `taps` are those of the
    /// group.
    pub(in super::super) unsafe fn execute(
        &self,
        operands: &Operands<E>,
        taps: Taps,
        images: usize,
        leader: &mut Leader<'_>,
        (scratch, steps): (&mut AlignedBuffer<E>, &mut Vec<usize>),
        second_level: usize,
    ) {
        operands.check(&self.geometry, images);
        operands.check_border(&self.geometry);
        let (input, output) = (operands.input_map, operands.output_map);
        let workers = leader.workers();
        let most = (second_level / INPUT_SHARE / self.convolution.row_bytes(output.width)).max(1);
        let bands = output.height.div_ceil(most).next_multiple_of(workers).min(output.height);
        let packed = self.convolution.packed(output.height.div_ceil(bands), output.width);
        let room = self.convolution.room(&packed);
        scratch.reserve(workers * room);
        let memory = Shared::new(scratch.as_mut_ptr());
        self.convolution.find_steps(&packed, steps);
        let steps: &[usize] = steps;
        leader.fan_out(images * bands, &|worker, task| {
            let (image, band) = (task / bands, task % bands);
            let rows = band * output.height / bands..(band + 1) * output.height / bands;
            let done = |strip: &Strip, sums: &Sums| {
                // SAFETY: strips lie inside the rows, which no other task has, and their blocks inside the output.
                unsafe { self.finish(operands, taps, image, strip, sums) };
            };
            // SAFETY: the caller's contract; each worker has a number of its own, and room behind it. The unit is that of the thread.
            unsafe {
                let part = Part {
                    image: operands.input.add(image * input.image()),
                    map: &input,
                    rows,
                    width: output.width,
                    packed,
                    steps,
                    room: memory.pointer().add(worker * room),
                };
                let start = Start {
                    first: (&raw const (*self.constants.as_ptr()).start).cast(),
                    panel: size_of::<Constants>(),
                };
                match self.unit {
                    #[cfg(test)]
                    MatrixUnit::Model => self.convolution.sums(&mut Model::new(), &part, start, done),
                    MatrixUnit::Amx(_) => self.convolution.sums(&mut Unit::new(), &part, start, done),
                    MatrixUnit::None => unreachable!("a convolution in tiles has a unit"),
                }
            }
        });
    }

    /// Writes what becomes of the sums of a strip, row by row.
    ///
    /// # Safety
    /// The strip lies inside the output.
    unsafe fn finish(&self, operands: &Operands<E>, taps: Taps, image: usize, strip: &Strip, sums: &Sums) {
        let output = &operands.output_map;
        for (block, sums) in (strip.block..output.blocks()).zip(sums).take(strip.blocks) {
            let (mut y, mut x) = (strip.y, strip.x);
            let mut left = sums.get(..strip.pixels).unwrap_or_default();
            while !left.is_empty() {
                let (row, rest) = left.split_at(left.len().min(output.width - x));
                let at =
                    |map: &Map| image * map.image() + block * map.plane() + map.origin() + y * map.row() + x * LANES;
                // SAFETY: the caller's contract.
                unsafe {
                    let row = SumsOfRow {
                        sums: row.as_ptr().cast(),
                        pixels: row.len(),
                        constants: self.constants.as_ptr().add(block),
                        ends: Ends {
                            residual: operands
                                .add_map
                                .as_ref()
                                .map_or(std::ptr::null(), |map| operands.add.add(at(map))),
                            output: if operands.output.is_null() {
                                operands.output
                            } else {
                                operands.output.add(at(output))
                            },
                            tap: taps.at(output, image, y, x, block),
                            tap_channels: output.channels - block * LANES,
                            floor: self.geometry.floor,
                            ceiling: self.geometry.ceiling,
                        },
                        tap_pixel: output.channels,
                    };
                    (self.kernels.finish)(&row);
                }
                left = rest;
                (y, x) = (y + 1, 0);
            }
        }
    }
}
