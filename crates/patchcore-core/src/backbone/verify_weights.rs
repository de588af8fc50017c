//! Weights that a plan can use: complete, of the right shapes, finite.

use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::Plan;

use crate::error::BackboneError;

/// Checks that every tensor the plan reads is there, has its shape and is finite.
///
/// # Errors
/// [`BackboneError`], for the first tensor at fault.
pub fn verify_weights(backbone: &str, plan: &Plan, weights: &BackboneWeights) -> Result<(), BackboneError> {
    for (name, expected) in plan.expected_tensors() {
        let Some(tensor) = weights.tensors.get(&name) else {
            return Err(BackboneError::MissingTensor { tensor: name, backbone: backbone.to_owned(), expected });
        };
        if tensor.shape != expected || tensor.data.len() != expected.iter().product::<usize>() {
            return Err(BackboneError::WrongShape {
                tensor: name,
                backbone: backbone.into(),
                expected,
                found: tensor.shape.clone(),
            });
        }
        if let Some(index) = tensor.data.iter().position(|value| !value.is_finite()) {
            return Err(BackboneError::NotFinite { tensor: name, index });
        }
    }
    Ok(())
}
