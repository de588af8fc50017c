//! What this project's own CubeCL kernels share.

mod operand;

#[cfg(test)]
pub(crate) use operand::cut_on_host;
pub(crate) use operand::{EVERY_BIT, cut};
