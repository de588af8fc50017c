//! What this project's own CubeCL kernels share: a convolution, which is a matrix product too, and how kernels are launched.

mod bound;
mod conv;
mod conv_kernel;
mod launch;
mod matrix_unit;
mod operand;
mod product;
mod refresh;
#[cfg(test)]
mod test_devices;
mod unit_kernel;

pub(crate) use bound::{Bound, bounded};
pub(crate) use conv::{ConvInput, ConvShape, ConvTensors, Place, Prologue, conv};
pub(crate) use launch::{element, linear, unwritten};
pub(crate) use matrix_unit::MatrixUnit;
#[cfg(test)]
pub(crate) use operand::cut_on_host;
pub(crate) use operand::{EVERY_BIT, cut, cut_vector};
pub(crate) use product::product;
pub(crate) use refresh::refresh;
#[cfg(test)]
pub(crate) use test_devices::cube_devices;
