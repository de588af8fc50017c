//! The frozen ImageNet network that turns a photo into feature maps.
//!
//! An [`Architecture`] writes a [`plan::Plan`] (convolutions with everything fused into them, in execution order,
//! up to the deepest layer asked for); [`Network`] executes it with Burn tensor operations on any device, [`cpu::CpuNetwork`] with its own kernels on the CPU.

pub mod cpu;
pub mod grey_stem;
mod network;

pub use network::{Network, verify_weights};
