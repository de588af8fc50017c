//! Both implementations of the network on one image, and how far a map is from what it should be.

use burn::tensor::{Tensor, TensorData};
use patchcore_config::backbone::plan::Plan;
use patchcore_config::{Architecture, BackboneWeights, NamedTensor};
use patchcore_core::tensors::{Network, burn_device};
use patchcore_core::{ComputeDevice, Instructions};
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};

/// The plan up to the default layers.
pub fn plan(architecture: Architecture) -> Plan {
    architecture.plan(&architecture.default_layers().map(str::to_owned)).unwrap()
}

/// The default layers of `image` `[1, 3, height, width]`, by tensor operations and by the CPU's kernels.
pub fn run(
    architecture: Architecture,
    weights: &BackboneWeights,
    image: &NamedTensor,
) -> [(&'static str, Vec<NamedTensor>); 2] {
    let plan = plan(architecture);
    let device = ComputeDevice::flex();
    let burn = burn_device(&device).unwrap();
    let network = Network::new(architecture.name(), plan.clone(), weights, &device).unwrap();
    let data = TensorData::new(image.data.clone(), image.shape.clone());
    let maps = network
        .forward(Tensor::from_data(data, burn))
        .into_iter()
        .map(|map| NamedTensor { shape: map.dims().to_vec(), data: map.into_data().try_to_vec().unwrap() });
    let tensors = maps.collect();

    let network = CpuNetwork::new(Instructions::native(), &plan, weights).unwrap();
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    let (height, width) = (image.shape[2], image.shape[3]);
    network.forward(&image.data, 1, height, width, MapLayout::ChannelsFirst, &mut workspace, &mut maps).unwrap();
    let maps =
        maps.into_iter().map(|map| NamedTensor { shape: vec![1, map.channels, map.height, map.width], data: map.data });
    [("tensor operations", tensors), ("CPU kernels", maps.collect())]
}

/// Asserts that `got` is `wanted` within `tolerance` times the largest wanted value.
pub fn assert_close(what: &str, got: &[f32], wanted: &[f32], tolerance: f32) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    let worst = got.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs() / largest).fold(0.0, f32::max);
    // `fold` with `max` drops NaN.
    assert!(got.iter().all(|value| value.is_finite()), "{what}");
    println!("{what}: deviation {worst:.1e} of {largest}");
    assert!(worst <= tolerance, "{what}: {worst:e}");
}
