//! Who computes: one trait, [`Engine`], and what implements it.
//!
//! PatchCore has six operations that cost time: features of photos, the projection and the selection of a fit, the nearest rows,
//! the k nearest rows, and the growth of a map. An engine does all six on one device. `Cpu` are this project's own kernels
//! (`patchcore-cpu`), `Tensors` Burn's tensor operations and CubeCL kernels on any device of Burn's, and [`Oracle`] the definitions
//! taken literally, slow and obvious. [`engine_of`] decides which of them a device has; no other code asks.
//!
//! An engine gives back what it has prepared as [`Features`], [`Index`] and [`Grower`]. What it lacks (a network of a kind that it
//! has no kernel for) another one does: [`features_of`], which says so.
//!
//! One suite of tests (`suite.rs`) holds every engine equal to the definitions, on every device that is there.

mod batch_limit;
mod choice;
mod cpu;
#[cfg(test)]
mod faulty;
mod interface;
mod oracle;
mod own_backbone;
#[cfg(test)]
mod reduced_suite;
#[cfg(test)]
mod suite;
#[cfg(feature = "burn")]
mod tensors;

#[cfg(test)]
pub(crate) use batch_limit::BatchLimit;
pub use batch_limit::ReducedBatch;
pub use choice::{Fallback, engine_of, features_of};
pub use cpu::Cpu;
pub use interface::{Embedded, EmbeddingSpec, Engine, Features, Grower, Index, MapSpec, WholeModel, WholePhoto};
pub use oracle::Oracle;
#[cfg(feature = "burn")]
pub use tensors::Tensors;
#[cfg(feature = "burn")]
pub(crate) use tensors::{MOST_NEIGHBORS, OnDevice, TensorFeatures, TensorGrower, TensorIndex, in_unit};
