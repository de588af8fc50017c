//! From the bytes of a weights file to named, checked, BatchNorm-folded tensors.
//!
//! This module stands at the entry of the flow and knows neither Burn nor `patchcore-core`: the crate's `build.rs`
//! includes it a second time to embed weights, and must not compile Burn for that. Which networks there are, and what their
//! convolutions are called, stands in `patchcore-config`; here a network is its [`trunk::Trunk`], and what publishers call its tensors its
//! [`spelling::Spelling`]s.
//!
//! ```text
//! .onnx        -> onnx::OnnxModel     -> onnx::find_in_graph \
//! .safetensors -> TensorView per name -> find_in_state_dict   -> assemble (shapes, folding, finiteness)
//! .pth (xtask) -> TensorView per name -> find_in_state_dict  /
//! ```
//!
//! [`encode_safetensors`] is the way back to a file.
//!
//! Everything read here may be hostile: every length is checked against the bytes that are there, counts are
//! bounded, nothing recurses, and a tensor is only decoded after its shape was found to be the expected one.

mod assemble;
mod directory;
mod dtype;
mod encode;
mod error;
mod fold;
mod found;
mod manifest;
mod onnx;
mod safetensors_file;
mod spelling;
mod state_dict;
mod tensor_view;
mod trunk;
mod weights_format;

use patchcore_config::BackboneWeights;

pub use directory::{find_weights, known_network, weights_dir, weights_files};
pub use dtype::Dtype;
pub use encode::{Rounding, encode_safetensors};
pub use error::WeightsError;
pub use fold::{BatchNorm, ConvAttributes, Convolution};
pub use manifest::verify_manifest;
pub use onnx::{Attribute, Node, OnnxModel, import_onnx, read_onnx};
pub use safetensors_file::{import_safetensors, read_safetensors};
pub use state_dict::import_state_dict;
pub use tensor_view::{Payload, TensorView};
pub use weights_format::WeightsFormat;

/// The tensors of a known backbone from an ONNX file.
///
/// # Errors
///
/// As [`import_onnx`]; [`WeightsError::UnknownBackbone`].
pub fn import_known_onnx(backbone: &str, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
    import_onnx(known_network(backbone)?, file, bytes)
}

/// The tensors of a known backbone from a safetensors file.
///
/// # Errors
///
/// As [`import_safetensors`]; [`WeightsError::UnknownBackbone`].
pub fn import_known_safetensors(backbone: &str, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
    import_safetensors(known_network(backbone)?, file, bytes)
}
