//! A further network of a model, or further levels of one that it has.

#[cfg(not(target_family = "wasm"))]
use std::path::PathBuf;

/// A network beside the first one of [`Settings`](crate::Settings), with memory banks of its own; or the same network with other levels:
/// it then runs once for all of them.
///
/// ```
/// use patchcore::{NetworkSettings, Settings};
///
/// # fn main() -> Result<(), patchcore::Error> {
/// let settings = Settings { further_networks: vec![NetworkSettings::new("resnet18")], ..Settings::default() };
/// // Two of each network, whose maps are averaged.
/// assert_eq!(settings.config()?.members.len(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSettings {
    /// Name of the frozen network.
    pub backbone: String,
    /// Feature levels in network order; default: the paper's two, strides 8 and 16.
    pub layers: Option<Vec<String>>,
    /// ONNX or safetensors file with the network's weights; default: embedded, else the weights directory. For further levels of a
    /// network it is enough to say it once.
    #[cfg(not(target_family = "wasm"))]
    pub weights: Option<PathBuf>,
}

impl NetworkSettings {
    /// A network with its usual levels.
    pub fn new(backbone: impl Into<String>) -> Self {
        Self { backbone: backbone.into(), ..Self::default() }
    }

    /// The same with other levels.
    #[must_use]
    pub fn with_layers(self, layers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { layers: Some(layers.into_iter().map(Into::into).collect()), ..self }
    }

    /// The same with weights from a file.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn with_weights(self, file: impl Into<PathBuf>) -> Self {
        Self { weights: Some(file.into()), ..self }
    }
}
