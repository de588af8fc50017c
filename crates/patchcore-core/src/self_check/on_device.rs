//! A plan on a device, as the network of a model is computed there.

use burn::tensor::{Tensor, TensorData};
use patchcore_config::BackboneWeights;
use patchcore_config::backbone::plan::Plan;

use super::layer::Forward;
use crate::backbone::Network;
use crate::device::{ComputeDevice, guarded};

/// What an error of the device says was being done.
const OPERATION: &str = "self-check";

/// How a device computes plans, by [`Network`].
pub(super) fn forward_on(device: &ComputeDevice) -> Box<Forward<'_>> {
    Box::new(move |plan: &Plan, weights: &BackboneWeights, images, shape| {
        guarded(device, OPERATION, || {
            let failed = |error: &dyn std::fmt::Display| device.failed(OPERATION, error);
            let network = Network::new(OPERATION, plan.clone(), weights, device);
            let network = network.map_err(|error| failed(&error))?;
            let images = Tensor::<4>::from_data(TensorData::new(images, shape), device.burn()?);
            let maps = network.forward(images).into_iter();
            maps.map(|map| map.try_into_vec_as::<f32>().map_err(|error| failed(&error))).collect()
        })
    })
}
