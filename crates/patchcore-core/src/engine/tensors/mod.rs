//! Any device of Burn's, by tensor operations and CubeCL kernels: an adapter of the steps' tensor forms.
//!
//! The steps themselves stand with the others of their kind: [`Network`](crate::backbone::Network),
//! [`PatchEmbedding`](crate::patch_embedding::PatchEmbedding), `coreset/tensors.rs`, `nearest_neighbor/device_bank.rs`. Whatever
//! runs on the device runs guarded: a driver's panic is an error.

mod features;
mod grower;
mod index;
mod tensor_engine;
mod whole_photos;

pub(crate) use features::TensorFeatures;
pub(crate) use grower::TensorGrower;
pub(crate) use index::TensorIndex;
pub use tensor_engine::Tensors;
pub(crate) use whole_photos::{MOST_NEIGHBORS, OnDevice, in_unit};
