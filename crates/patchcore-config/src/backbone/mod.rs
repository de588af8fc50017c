//! The networks: which there are, what steps each consists of, and the tensors that it reads.
//!
//! An [`Architecture`] writes a [`plan::Plan`] (convolutions with everything fused into them, in execution order, up to the deepest
//! layer asked for). Who executes it is no concern of this crate.

mod architecture;
pub mod plan;
mod weights;

pub use architecture::{ARCHITECTURES, Architecture};
pub use weights::{BackboneWeights, NamedTensor};
