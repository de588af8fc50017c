//! Any device of Burn's, by tensor operations and CubeCL kernels: an adapter of the steps' tensor forms.
//!
//! The steps themselves stand with the others of their kind: [`Network`](crate::backbone::Network),
//! [`PatchEmbedding`](crate::patch_embedding::PatchEmbedding), `coreset/tensors.rs`, `nearest_neighbor/device_bank.rs`. Whatever
//! runs on the device runs guarded: a driver's panic is an error.

#[cfg(feature = "cube")]
mod captured;
mod features;
mod grower;
mod index;
#[cfg(test)]
#[cfg(feature = "cube")]
mod launches;
mod on_device;
mod parts;
mod tensor_engine;
#[cfg(test)]
#[cfg(feature = "cube")]
mod test_model;
mod whole_photos;

pub(crate) use features::TensorFeatures;
pub(crate) use grower::TensorGrower;
pub(crate) use index::TensorIndex;
pub(crate) use on_device::{MOST_NEIGHBORS, OnDevice, in_unit};
pub use tensor_engine::Tensors;
