//! One image batch through both implementations of the network, and the comparison with what the generated code gives for it.

use burn::tensor::{Device, Tensor, TensorData};
use patchcore_core::{ComputeDevice, Instructions};
use patchcore_cpu::network::{CpuNetwork, MapLayout, Workspace};
use patchcore_config::backbone::plan::Plan;
use patchcore_core::tensors::Network;
use patchcore_config::{Architecture, BackboneWeights};

/// Relative to the layer's largest value. Measured: tensor operations 0, with BatchNorm unfolded in the generated code
/// 1.3e-6; the CPU's kernels 3.7e-6 (the real network, Winograd).
const TOLERANCE: f32 = 1e-5;

/// The device of the generated code.
pub fn device() -> Device {
    Device::flex()
}

/// A batch `[images, 3, height, width]` of values in `[-2, 2)`, the same in every run (splitmix64).
pub fn batch([images, height, width]: [usize; 3]) -> Tensor<4> {
    let values = (1..=(images * 3 * height * width) as u64).map(|index| {
        let mut z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 22) as f32 - 2.0
    });
    let values: Vec<f32> = values.collect();
    Tensor::from_data(TensorData::new(values, [images, 3, height, width]), &device())
}

/// Asserts that the taps of `plan` are `wanted`, by tensor operations and by the CPU's kernels.
pub fn assert_same_layers(plan: &Plan, weights: &BackboneWeights, batch: &Tensor<4>, wanted: Vec<Tensor<4>>) {
    assert_eq!(plan.taps.len(), wanted.len());
    // The architecture only serves in messages.
    let network = Network::new(Architecture::RESNET18.name(), plan.clone(), weights, &ComputeDevice::flex()).unwrap();
    let tensors = network.forward(batch.clone());

    let [images, _, height, width] = batch.dims();
    let cpu = CpuNetwork::new(Instructions::native(), plan, weights).unwrap();
    let (mut workspace, mut maps) = (Workspace::new(), Vec::new());
    let layout = MapLayout::ChannelsFirst;
    cpu.forward(&values(batch), images, height, width, layout, &mut workspace, &mut maps).unwrap();

    for (((tap, wanted), tensor), map) in plan.taps.iter().zip(wanted).zip(tensors).zip(maps) {
        assert_eq!(tensor.dims(), wanted.dims(), "{}", tap.layer);
        assert_eq!([images, map.channels, map.height, map.width], wanted.dims(), "{}", tap.layer);
        let wanted = values(&wanted);
        assert_close(&format!("{}, tensor operations", tap.layer), &values(&tensor), &wanted);
        assert_close(&format!("{}, CPU kernels", tap.layer), &map.data, &wanted);
    }
}

fn values(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().into_data().try_to_vec().unwrap()
}

fn assert_close(what: &str, got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    assert!(got.iter().all(|value| value.is_finite()), "{what}");
    let largest = wanted.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    let worst = got.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs() / largest).fold(0.0, f32::max);
    println!("{what}: deviation {worst:.1e} of {largest}");
    assert!(worst <= TOLERANCE, "{what}: {worst:e}");
}
