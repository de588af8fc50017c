//! Networks as burn-onnx translates them into Burn code at build time: the other opinion on an ONNX file.
//!
//! `patchcore-weights` reads tensors out of an ONNX file and leaves the architecture to `patchcore-core`; burn-onnx
//! translates the graph itself, node by node. `tests/it` holds their layers against each other. Nothing depends on
//! this package, and it is never published.
//!
//! burn-onnx brings a second Burn, for the build script, so the package is a workspace of its own; see README.md.

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
