//! What this project's own CubeCL kernels share: a convolution, which is a matrix product too, and how kernels are launched.

mod conv;
mod conv_kernel;
mod launch;
mod operand;
mod product;
#[cfg(test)]
mod test_devices;

pub(crate) use conv::{Bound, ConvInput, ConvShape, ConvTensors, Place, bounded, conv};
pub(crate) use launch::{element, linear, unwritten};
#[cfg(test)]
pub(crate) use operand::cut_on_host;
pub(crate) use operand::{EVERY_BIT, cut, cut_vector};
pub(crate) use product::product;
#[cfg(test)]
pub(crate) use test_devices::cube_devices;
