//! Your own network as the backbone of PatchCore: an ONNX file, imported at build time.
//!
//! `build.rs` has burn-onnx write Burn code for `fixtures/own.onnx`; [`OwnBackbone`] implements [`Backbone`] with it; `src/main.rs` fits,
//! saves and loads. Put your own file in the place of that one, and your levels in [`OwnBackbone::new`].
//!
//! `tests/it` also holds burn-onnx and this project against each other, on ResNets that both of them can read ([`narrow_resnet18`],
//! [`narrow_resnet50`]).

mod own_backbone;

pub use own_backbone::{OwnBackbone, level_map};

/// The example's network: SiLU, squeeze-and-excitation and concatenated maps, with random weights.
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod own {
    include!(concat!(env!("OUT_DIR"), "/onnx/own.rs"));
}

/// ResNet-18 to layer3 with 1/32 of its channels, random weights, BatchNorm folded by PyTorch.
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod narrow_resnet18 {
    include!(concat!(env!("OUT_DIR"), "/onnx/narrow_resnet18.rs"));
}

/// ResNet-50 to layer3 with 1/32 of its channels, random weights, BatchNorm not folded.
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod narrow_resnet50 {
    include!(concat!(env!("OUT_DIR"), "/onnx/narrow_resnet50.rs"));
}

/// The real ResNet-18 of the shared folder; not there when the folder was not there at build time.
#[cfg(has_real_trunk)]
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod resnet18 {
    include!(concat!(env!("OUT_DIR"), "/onnx/resnet18-imagenet1k-v1-trunk.rs"));
}
