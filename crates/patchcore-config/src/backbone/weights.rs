//! Named weight tensors as every reader delivers them and every backbone takes them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::plan::Plan;

/// One tensor: row-major `f32` values and their shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedTensor {
    /// Extent of each axis, outermost first.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values, row-major.
    pub data: Vec<f32>,
}

/// The tensors of a backbone by torchvision name (`layer1.0.conv1.weight`), BatchNorm folded into
/// `<conv>.weight` and `<conv>.bias`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BackboneWeights {
    /// Tensors by name.
    pub tensors: BTreeMap<String, NamedTensor>,
}

impl BackboneWeights {
    /// Only the tensors that a plan reads.
    pub fn restricted_to(&self, plan: &Plan) -> Self {
        let names = plan.expected_tensors().into_iter().map(|(name, _)| name);
        let tensors = names.filter_map(|name| self.tensors.get_key_value(&name)).map(|(k, v)| (k.clone(), v.clone()));
        Self { tensors: tensors.collect() }
    }

    /// SHA-256 over names, shapes and values in name order, as 64 lower-case hex digits.
    ///
    /// The digest belongs to the numbers, not to the container: the same folded weights read from ONNX,
    /// safetensors or an embedded copy have the same digest. It is what a model file remembers.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, tensor) in &self.tensors {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update((tensor.shape.len() as u64).to_le_bytes());
            for extent in &tensor.shape {
                hasher.update((*extent as u64).to_le_bytes());
            }
            for value in &tensor.data {
                hasher.update(value.to_le_bytes());
            }
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
