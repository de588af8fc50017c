//! Which kind of weights file a path names, and the reader of that kind.

use std::path::Path;

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::WeightsSource;

use super::directory::known_network;
use super::error::WeightsError;
use super::{import_known_onnx, import_known_safetensors};

/// A format that weights are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsFormat {
    /// `.onnx`
    Onnx,
    /// `.safetensors`
    Safetensors,
}

impl WeightsFormat {
    /// The format that the extension of `path` names.
    ///
    /// # Errors
    ///
    /// [`WeightsError::UnknownFormat`], for a checkpoint of PyTorch with the command that converts it.
    pub fn of(path: &Path, backbone: &str) -> Result<Self, WeightsError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
        match extension.as_str() {
            "onnx" => Ok(Self::Onnx),
            "safetensors" => Ok(Self::Safetensors),
            "pth" | "pt" | "bin" if is_published(backbone) => {
                let remedy = format!("; convert it with `patchcore weights import {backbone} {}`", path.display());
                Err(WeightsError::UnknownFormat { path: path.into(), remedy })
            }
            _ => Err(WeightsError::UnknownFormat { path: path.into(), remedy: String::new() }),
        }
    }

    /// The tensors of a known backbone from the bytes of a file; `file` only serves in messages.
    ///
    /// # Errors
    ///
    /// As [`import_known_onnx`] or [`import_known_safetensors`].
    pub fn import(self, backbone: &str, file: &str, bytes: &[u8]) -> Result<BackboneWeights, WeightsError> {
        match self {
            Self::Onnx => import_known_onnx(backbone, file, bytes),
            Self::Safetensors => import_known_safetensors(backbone, file, bytes),
        }
    }
}

/// Whether `patchcore weights` knows the backbone.
fn is_published(backbone: &str) -> bool {
    known_network(backbone).is_ok_and(|network| matches!(network.weights, WeightsSource::Published { .. }))
}
