//! Integer images of vectors, whose distances bound the true ones ([`reach`]), and the inner loops of the exact search and of
//! the coreset over them: integer dot products of panels, and the one distance formula.
//!
//! Everything here has a kernel in plain loops ([`portable`]) and one over vectors ([`vector`]), for every instruction set. Integer
//! sums are exact, and the distance formula fixes the order of its additions, so that all kernels return the same bits: which one runs
//! is a matter of speed only.
//!
//! A *panel* holds [`PANEL`] rows of `i16` coordinates, two coordinates of one row side by side:
//! `[dims / 2][PANEL][2]`. That is the operand order of the multiply-add instructions of every processor
//! (`vpdpwssd`, `vpmaddwd`, `smlal`): 32 multiplications per instruction where `f32` does 16. Images of a [`Shape`] have bytes behind
//! their first coordinates, two in the place of one: 64 multiplications per instruction.

mod bound;
mod kernels;
mod panels;
mod portable;
mod rows;
mod shape;
#[cfg(test)]
mod tests;
mod vector;

pub(crate) use bound::{LENGTH, NEVER, SLACK, reach};
pub(crate) use panels::{Panels, set_in_panel};
pub(crate) use rows::LatticeRows;
pub(crate) use shape::Shape;

/// Rows in a panel.
pub(crate) const PANEL: usize = 32;
/// Queries whose products with one panel are held in registers; query blocks are padded to a multiple of it.
pub(crate) const TILE: usize = 12;
/// Elements after which `Level::squared_distance` looks whether it can stop.
const STRIDE: usize = 256;
