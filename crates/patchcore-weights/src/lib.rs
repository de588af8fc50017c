//! Pretrained ImageNet backbones for PatchCore: from a weights file to named, checked, folded tensors.
//!
//! ```text
//! NAME.safetensors | NAME.onnx -> import (names, shapes, BatchNorm folding, finiteness) -> BackboneWeights -> core
//! ```
//!
//! PatchCore needs a network that has seen ImageNet and is then left alone. This crate finds the file
//! ([`find_weights`]), reads it without trusting it (`load_weights`) and hands over the tensors under torchvision's
//! names. It never opens a network connection: files come from `patchcore weights fetch`, from a user's own
//! export, or are embedded at build time: with the feature `embed-resnet18` (one per backbone) `build.rs` puts the
//! installed file's tensors into the binary, `embed-f16` halves them. Where the file is not installed the build warns
//! and goes on, and `pretrained` looks for it at run time. The files of `embed-efficientnet-lite0` to `-lite2` ship with the code.
//!
//! Accepted are ONNX files of torchvision's ResNets, ResNeXts and DenseNets as PyTorch's exporters write them (BatchNorm folded or
//! not, any opset, with or without classifier, fixed or dynamic batch, names kept or, but for DenseNets, lost) and safetensors files
//! with torchvision's or timm's names. A file of another architecture, with missing, misshapen or non-finite tensors, or
//! with another stride than torchvision's, is an error that says so; [`WeightsError`] lists them all.
//!
//! # Stability
//! Not stable: a part of `patchcore`, published because that depends on it, which any version may change. What `patchcore`
//! re-exports of it is as stable as `patchcore`.
//!
//! # Cargo features
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
#![cfg_attr(not(feature = "document-features"), doc = "They stand in `Cargo.toml`.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod embedded;
mod import;
mod load;
mod part;
mod target;
mod write_whole;

pub use embedded::embedded_weights;
pub use import::{
    Attribute, BatchNorm, ConvAttributes, Convolution, Dtype, Node, OnnxModel, Payload, Rounding, TensorView,
    WeightsError, WeightsFormat, encode_safetensors, find_weights, import_known_onnx, import_known_safetensors,
    import_onnx, import_safetensors, import_state_dict, known_network, read_onnx, read_safetensors, verify_manifest,
    weights_dir, weights_files,
};
pub use load::{load_safetensors, load_weights, pretrained};
pub use write_whole::{Staged, check_place, write_whole};
