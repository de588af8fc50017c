//! PatchCore for users of Burn: tensors in, tensors out, on one device.
//!
//! [`PatchCore::score_tensors`](crate::PatchCore::score_tensors) scores images that lie on a device and leaves scores and maps
//! there. Below it stand the four steps as tensor operations, each usable alone: the frozen backbone ([`Network`]), patch pooling
//! ([`PatchEmbedding`]), the coreset ([`RandomProjection::apply_tensors`](crate::coreset::RandomProjection::apply_tensors),
//! [`greedy_k_center_tensors`]) and batched nearest neighbours
//! ([`NearestNeighborIndex::nearest`](crate::nearest_neighbor::NearestNeighborIndex::nearest)).
//!
//! ```
//! use burn::tensor::{Device, Tensor, TensorData};
//! use patchcore_config::{Architecture, BackboneWeights, Mode, NamedTensor};
//! use patchcore_core::{ComputeDevice, Fitter, ImageInput, tensors};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Mode::Paper.config(Architecture::EFFICIENTNET_LITE0).with_coreset_sampling_ratio(0.5).check()?;
//! # // Weights from a formula: pretrained ones come from the crate `patchcore-weights`.
//! # let plan = config.first().backbone.plan(&config.first().layers)?;
//! # let tensor = |shape: Vec<usize>| {
//! #     let values = shape.iter().product::<usize>();
//! #     let data = (0..values).map(|i| ((i * 7919 % 1013) as f32 / 506.0 - 1.0) / (values as f32).sqrt()).collect();
//! #     NamedTensor { shape, data }
//! # };
//! # let weights =
//! #     BackboneWeights { tensors: plan.expected_tensors().into_iter().map(|(name, shape)| (name, tensor(shape))).collect() };
//! // A GPU's name in its place: `cuda`, `vulkan`, ...
//! let device = ComputeDevice::from_name("flex:tensors")?;
//! let photo = |seed: u32| -> Vec<f32> { (0..3 * 64 * 64u32).map(|i| (i * (31 + seed) % 97) as f32 / 96.0).collect() };
//! let mut fitter = Fitter::new(config, &weights, &device)?;
//! for seed in 0..3 {
//!     fitter.add(ImageInput { width: 64, height: 64, pixels: &photo(seed) })?;
//! }
//! let model = fitter.finish(&mut |_, _| true)?;
//!
//! // What a camera pipeline on the device would hand over.
//! let burn: &Device = tensors::burn_device(&device)?;
//! let images = Tensor::<4>::from_data(TensorData::new([photo(1), photo(9)].concat(), [2, 3, 64, 64]), burn);
//! let scored = model.score_tensors(images)?;
//! assert_eq!(scored.scores.dims(), [2]);
//! assert_eq!(scored.maps.dims(), [2, 1, 64, 64]);
//! // Only this waits for the device.
//! let scores: Vec<f32> = scored.scores.try_into_vec_as()?;
//! assert!(scores[0] < scores[1], "a photo of the fit is nearer than another one: {scores:?}");
//! # Ok(())
//! # }
//! ```

use burn::tensor::Device;

pub use crate::backbone::Network;
pub use crate::coreset::greedy_k_center_tensors;
use crate::device::ComputeDevice;
use crate::error::DeviceError;
pub use crate::patch_embedding::PatchEmbedding;
pub use crate::tensor_scores::TensorScores;

/// Burn's handle for a device.
///
/// # Errors
/// [`DeviceError::NoTensors`] for `cpu`, which computes without them.
pub fn burn_device(device: &ComputeDevice) -> Result<&Device, DeviceError> {
    device.burn()
}
