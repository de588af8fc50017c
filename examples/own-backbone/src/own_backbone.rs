//! The generated code as a network that PatchCore can use.

use burn::tensor::{Device, Tensor, TensorData};
use patchcore::error::BackboneError;
use patchcore::{Backbone, Level, LevelMap};

use crate::own::Model;

/// The network of `fixtures/own.onnx`, on the CPU.
#[derive(Debug)]
pub struct OwnBackbone {
    model: Model,
    device: Device,
    levels: Vec<Level>,
}

impl OwnBackbone {
    /// What settings and model files call it.
    pub const NAME: &str = "own-backbone";

    /// The network with the weights that are in the program.
    pub fn new() -> Self {
        let device = Device::flex();
        let level = |(name, channels, stride): (&str, _, _)| Level { name: name.to_owned(), channels, stride };
        Self {
            model: Model::from_embedded(&device),
            device,
            // What `forward` gives, in its order: channels, and input pixels per cell.
            levels: [("fine", 8, 4), ("middle", 16, 8), ("coarse", 16, 16)].map(level).to_vec(),
        }
    }
}

impl Default for OwnBackbone {
    fn default() -> Self {
        Self::new()
    }
}

impl Backbone for OwnBackbone {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn sha256(&self) -> &str {
        env!("OWN_NETWORK_SHA256")
    }

    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        let data = TensorData::new(planes.to_vec(), [1, 3, height, width]);
        let (fine, middle, coarse) = self.model.forward(Tensor::from_data(data, &self.device));
        [fine, middle, coarse].into_iter().map(|map| level_map(Self::NAME, map)).collect()
    }
}

/// A map `[1, channels, height, width]` as PatchCore takes it.
///
/// # Errors
/// [`BackboneError::Failed`] for values that cannot be read back.
pub fn level_map(backbone: &str, map: Tensor<4>) -> Result<LevelMap, BackboneError> {
    let [_, channels, height, width] = map.dims();
    let values = map.into_data().try_to_vec();
    let failed = |error| BackboneError::Failed { backbone: backbone.to_owned(), reason: format!("{error:?}") };
    Ok(LevelMap { channels, height, width, values: values.map_err(failed)? })
}
