//! The frozen ImageNet network that turns a photo into feature maps.
//!
//! An [`Architecture`] writes a [`plan::Plan`] (convolutions with everything fused into them, in execution order,
//! up to the deepest layer asked for); [`Network`] executes it with Burn tensor operations on any device, [`patchcore_cpu::network`] with its own kernels on the CPU.

mod network;

pub use network::{Network, verify_weights};
