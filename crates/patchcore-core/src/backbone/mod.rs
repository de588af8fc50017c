//! The frozen ImageNet network that turns a photo into feature maps.
//!
//! [`Backbone`] is all that PatchCore needs of one: levels with channels and stride, planes of a photo to maps. A network of the
//! catalogue is a [`PlanBackbone`]: its [`Architecture`](patchcore_config::Architecture) writes a
//! [`Plan`](patchcore_config::backbone::plan::Plan) (convolutions with everything fused into them, in execution order, up to the
//! deepest layer asked for), and an engine executes that: `Network` with Burn tensor operations on any device,
//! [`CpuNetwork`](patchcore_cpu::network::CpuNetwork) with its own kernels on the CPU. An application's own network has no plan. In fewer bits than f32 ([`Reduction`]) a plan is computed by the
//! CPU's kernels alone.

#[cfg(feature = "cube")]
pub(crate) mod cube;
mod interface;
#[cfg(feature = "burn")]
mod network;
#[cfg(test)]
#[cfg(feature = "flex")]
mod network_tests;
mod plan_backbone;
mod reduced_backbone;
#[cfg(test)]
pub(crate) mod test_networks;
mod verify_weights;

pub use interface::{Backbone, Level, LevelMap, Reduction};
#[cfg(feature = "burn")]
pub use network::Network;
pub use plan_backbone::PlanBackbone;
pub(crate) use reduced_backbone::ReducedBackbone;
pub use verify_weights::verify_weights;
