//! The frozen ImageNet network that turns a photo into feature maps.
//!
//! An [`Architecture`](patchcore_config::Architecture) writes a [`Plan`](patchcore_config::backbone::plan::Plan) (convolutions
//! with everything fused into them, in execution order, up to the deepest layer asked for). `Network` executes it with Burn
//! tensor operations on any device, [`CpuNetwork`](patchcore_cpu::network::CpuNetwork) with its own kernels on the CPU.

#[cfg(feature = "burn")]
mod network;
mod verify_weights;

#[cfg(feature = "burn")]
pub use network::Network;
pub use verify_weights::verify_weights;
