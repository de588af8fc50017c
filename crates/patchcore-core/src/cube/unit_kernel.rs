//! The convolution of [`super::conv_kernel`] on matrix units: factors of tf32, f16 or bf16, sums in f32.
//!
//! A cube of four planes of 32 units computes 64 positions of 64 channels, each plane 32 x 32 of them as 2 x 2 fragments. Slices of 16
//! channels of a window's cell go through shared memory in the units' number format.
//!
//! Where there are no such units, what is around them can be tried by `emulated`: the same slices, multiplied by plain loops. The
//! fragments alone are then not run.

#![allow(missing_docs, reason = "the kernel macro writes items without docs")]
#![allow(clippy::too_many_arguments, clippy::manual_div_ceil, reason = "code for the device")]
#![allow(clippy::indexing_slicing, reason = "indices on the device; every read is guarded by the extents")]

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::bound::Bound;
use super::operand::cut;

/// Positions, and channels, of one cube.
pub(super) const EDGE: usize = 64;
/// Units of one cube: four planes.
pub(super) const UNITS: usize = 128;
/// Units of a plane, which the kernel is written for.
pub(super) const PLANE: u32 = 32;
/// Side of a fragment.
pub(super) const SIDE: usize = 16;
/// Channels of a slice.
const DEPTH: usize = 16;
/// Further out than any map's edge.
const OUTSIDE: i32 = -1_000_000;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct UnitKind {
    /// Side of the window.
    pub kernel: usize,
    /// Stride on both axes.
    pub stride: usize,
    /// Whether a map is added before the activation.
    pub adds: bool,
    /// The activation.
    pub bound: Bound,
    /// Whether the input is first `max(scale * x + shift, 0)`.
    pub prologue: bool,
    /// Channels that a unit multiplies at once: 8 of tf32, 16 of f16 and bf16.
    pub step: usize,
    /// Plain loops in place of matrix units.
    pub emulated: bool,
    /// Bits of the factors, of an emulated unit.
    pub bits: u32,
}

/// One cube: a block of positions and channels. Maps are `[image, row, column, channel]`.
#[cube(launch)]
pub(super) fn unit_kernel<E: Float, T: Float>(
    input: &[E],
    weights: &[E],
    biases: &[f32],
    residual: &[E],
    prologues: &[f32],
    output: &mut [E],
    input_start: usize,
    weight_start: usize,
    bias_start: usize,
    residual_start: usize,
    output_start: usize,
    output_stride: usize,
    scale_start: usize,
    shift_start: usize,
    positions: usize,
    out_height: usize,
    out_width: usize,
    in_height: usize,
    in_width: usize,
    image_stride: usize,
    pixel_stride: usize,
    group_inputs: usize,
    group_outputs: usize,
    outputs: usize,
    blocks_of_group: usize,
    pad_top: usize,
    pad_left: usize,
    #[comptime] kind: UnitKind,
    #[define(E)] _element: ElemType,
    #[define(T)] _factor: ElemType,
) {
    let edge = comptime!(EDGE);
    let depth = comptime!(DEPTH);
    let unit = UNIT_POS as usize;
    let first = (CUBE_POS_X as usize + CUBE_POS_Z as usize * CUBE_COUNT_X as usize) * edge;
    let group = CUBE_POS_Y as usize / blocks_of_group;
    let first_n = CUBE_POS_Y as usize % blocks_of_group * edge;
    let first_output = group * group_outputs;

    // `[EDGE, DEPTH]`, `[DEPTH, EDGE]` and `[EDGE, EDGE]`.
    let mut input_slice = Shared::<[T]>::new_slice(comptime!(EDGE * DEPTH));
    let mut weight_slice = Shared::<[T]>::new_slice(comptime!(EDGE * DEPTH));
    let mut products = Shared::<[f32]>::new_slice(comptime!(EDGE * EDGE));

    // Two units bring a position, eight channels each.
    let line = unit / 2;
    let first_axis = unit % 2 * comptime!(DEPTH / 2);
    let position = first + line;
    let plane = out_height * out_width;
    let inside = position % plane;
    let start = input_start + position / plane * image_stride + group * group_inputs;
    let mut top = i32::cast_from(inside / out_width * comptime!(kind.stride)) - i32::cast_from(pad_top);
    let left = i32::cast_from(inside % out_width * comptime!(kind.stride)) - i32::cast_from(pad_left);
    if position >= positions {
        top = comptime!(OUTSIDE);
    }
    let column = unit % edge;
    let first_row = unit / edge * comptime!(DEPTH / 2);
    let brings = first_n + column < group_outputs;

    // The fragments of a plane: 32 rows, 32 columns.
    let of_plane = unit / comptime!(PLANE as usize);
    let row = of_plane / 2 * comptime!(2 * SIDE);
    let across = of_plane % 2 * comptime!(2 * SIDE);
    let mut sums = Sequence::<cmma::Matrix<f32>>::new();
    // Of an emulated unit: a row, 32 columns.
    let mut plain = Array::<f32>::new(comptime!(EDGE / 2));
    if comptime!(kind.emulated) {
        for at in 0..comptime!(EDGE / 2) {
            plain[at] = f32::new(0.0);
        }
    } else {
        #[unroll]
        for _ in 0..4usize {
            sums.push(cmma::Matrix::<f32>::from_value(
                cmma::MatrixIdent::Accumulator,
                comptime!(SIDE),
                comptime!(SIDE),
                comptime!(kind.step),
                cmma::MatrixLayout::Undefined,
                0.0,
            ));
        }
    }

    let slices = (group_inputs + depth - 1) / depth;
    for cell in 0..comptime!(kind.kernel * kind.kernel) {
        let y = top + i32::cast_from(cell / comptime!(kind.kernel));
        let x = left + i32::cast_from(cell % comptime!(kind.kernel));
        let here = y >= 0 && x >= 0 && y < i32::cast_from(in_height) && x < i32::cast_from(in_width);
        let mut place = 0usize;
        if here {
            place = start + (usize::cast_from(y) * in_width + usize::cast_from(x)) * pixel_stride;
        }
        for slice in 0..slices {
            for at in 0..comptime!(DEPTH / 2) {
                let axis = first_axis + at;
                let channel = slice * depth + axis;
                let mut value = f32::new(0.0);
                if here && channel < group_inputs {
                    value = f32::cast_from(input[place + channel]);
                    if comptime!(kind.prologue) {
                        let scale = prologues[scale_start + channel];
                        value = max(value * scale + prologues[shift_start + channel], f32::new(0.0));
                    }
                }
                input_slice[line * depth + axis] = T::cast_from(cut(value, comptime!(kind.bits)));
                let axis = first_row + at;
                let channel = slice * depth + axis;
                let mut value = f32::new(0.0);
                if brings && channel < group_inputs {
                    let from = (cell * group_inputs + channel) * outputs + first_output + first_n + column;
                    value = f32::cast_from(weights[weight_start + from]);
                }
                weight_slice[axis * edge + column] = T::cast_from(cut(value, comptime!(kind.bits)));
            }
            sync_cube();
            if comptime!(kind.emulated) {
                let first_column = unit % 2 * comptime!(EDGE / 2);
                for axis in 0..depth {
                    let value = f32::cast_from(input_slice[line * depth + axis]);
                    for at in 0..comptime!(EDGE / 2) {
                        plain[at] += value * f32::cast_from(weight_slice[axis * edge + first_column + at]);
                    }
                }
            } else {
                multiply::<T>(&input_slice, &weight_slice, &sums, row, across, kind.step);
            }
            sync_cube();
        }
    }

    if comptime!(kind.emulated) {
        let first_column = unit % 2 * comptime!(EDGE / 2);
        for at in 0..comptime!(EDGE / 2) {
            products[line * edge + first_column + at] = plain[at];
        }
    } else {
        #[unroll]
        for i in 0..2usize {
            #[unroll]
            for j in 0..2usize {
                let from = (row + i * comptime!(SIDE)) * edge + across + j * comptime!(SIDE);
                cmma::store(
                    &mut products[from..comptime!(EDGE * EDGE)],
                    sums.index(comptime!(i * 2 + j)),
                    comptime!(EDGE as u32),
                    cmma::MatrixLayout::RowMajor,
                );
            }
        }
    }
    sync_cube();
    for round in 0..comptime!(EDGE * EDGE / UNITS) {
        let at = unit + round * comptime!(UNITS);
        let of_group = first_n + at % edge;
        let position = first + at / edge;
        if position < positions && of_group < group_outputs {
            let channel = first_output + of_group;
            let to = position * output_stride + channel;
            let mut value = products[at] + biases[bias_start + channel];
            if comptime!(kind.adds) {
                value += f32::cast_from(residual[residual_start + to]);
            }
            let value = match comptime!(kind.bound) {
                Bound::Nothing => value,
                Bound::Below => max(value, f32::new(0.0)),
                Bound::Both => min(max(value, f32::new(0.0)), f32::new(6.0)),
            };
            output[output_start + to] = E::cast_from(value);
        }
    }
}

/// Adds the products of one slice to a plane's fragments.
#[cube]
fn multiply<T: Float>(
    input_slice: &Shared<[T]>,
    weight_slice: &Shared<[T]>,
    sums: &Sequence<cmma::Matrix<f32>>,
    row: usize,
    across: usize,
    #[comptime] step: usize,
) {
    #[unroll]
    for part in 0..comptime!(DEPTH / step) {
        #[unroll]
        for i in 0..2usize {
            let from = (row + i * comptime!(SIDE)) * comptime!(DEPTH) + part * step;
            let left = cmma::Matrix::<T>::from_slice(
                cmma::MatrixIdent::A,
                comptime!(SIDE),
                comptime!(SIDE),
                step,
                cmma::MatrixLayout::RowMajor,
                &input_slice[from..comptime!(EDGE * DEPTH)],
                comptime!(DEPTH as u32),
            );
            #[unroll]
            for j in 0..2usize {
                let from = part * step * comptime!(EDGE) + across + j * comptime!(SIDE);
                let right = cmma::Matrix::<T>::from_slice(
                    cmma::MatrixIdent::B,
                    comptime!(SIDE),
                    comptime!(SIDE),
                    step,
                    cmma::MatrixLayout::RowMajor,
                    &weight_slice[from..comptime!(EDGE * DEPTH)],
                    comptime!(EDGE as u32),
                );
                let sum = sums.index(comptime!(i * 2 + j));
                cmma::execute(&left, &right, sum, sum);
            }
        }
    }
}
