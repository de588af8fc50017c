//! The test cases of convolutions, and of a small network of them: each is a plan, computed as a model's network is.

use patchcore_config::backbone::plan::{MapShape, Step};

use super::layer::Layer;
use super::on_device::forward_on;
use super::test_case::{TestCase, sums_in};
use crate::device::ComputeDevice;

/// Side of the images, in pixels: no multiple of a tile.
const SIDE: usize = 20;

/// A layer of every kind that networks have.
fn layers() -> [(&'static str, Layer); 9] {
    let image = |channels| MapShape { channels, height: SIDE, width: SIDE };
    let conv = |inputs, outputs, kernel, stride, groups| Layer::conv(image(inputs), outputs, kernel, stride, groups);
    let with_residual = |layer: Layer| match layer.step {
        Step::Conv(mut conv) => {
            conv.add = Some(1);
            Layer::of_step(&Step::Conv(conv), layer.image, layer.images)
        }
        step => Layer { step, ..layer },
    };
    [
        ("convolution 3x3", conv(24, 16, 3, 1, 1)),
        ("convolution 3x3 with a residual", with_residual(conv(16, 24, 3, 1, 1))),
        ("convolution 7x7, stride 2", conv(3, 16, 7, 2, 1)),
        ("convolution 1x1", conv(40, 24, 1, 1, 1).at_once(3)),
        ("convolution 1x1, stride 2", conv(16, 32, 1, 2, 1)),
        ("convolution in groups", conv(24, 24, 3, 1, 3)),
        ("depthwise convolution", conv(24, 24, 3, 1, 24)),
        ("depthwise convolution 5x5, stride 2", conv(24, 24, 5, 2, 24)),
        (
            "max pool",
            Layer::of_step(&Step::MaxPool { from: 0, to: 1 }, MapShape { channels: 6, height: 21, width: 21 }, 2),
        ),
    ]
}

pub(super) fn cases(device: &ComputeDevice) -> Vec<TestCase> {
    let tolerance = sums_in(device.precision());
    let case = |(name, layer): (&'static str, Layer)| {
        TestCase::new(name, tolerance, move |device| layer.deviation(&*forward_on(device)))
    };
    layers().into_iter().map(case).collect()
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use patchcore_config::backbone::plan::Plan;
    use patchcore_config::{BackboneWeights, NamedTensor};

    use super::*;
    use crate::device::Precision;

    /// Every question sees factors of eleven bits, as matrix units make them of f32: too far off for f32, right for tf32; whole
    /// factors are right for both.
    #[test]
    fn every_convolution_shows_whether_its_factors_are_whole() {
        let device = ComputeDevice::from_name("flex:tensors").unwrap();
        let forward = forward_on(&device);
        let cut = |values: &[f32]| values.iter().map(|value| half::f16::from_f32(*value).to_f32()).collect::<Vec<_>>();
        let with_cut_factors = |plan: &Plan, weights: &BackboneWeights, images: Vec<f32>, shape: [usize; 4]| {
            let tensors = weights.tensors.iter().map(|(name, tensor)| {
                let data = if name.ends_with(".weight") { cut(&tensor.data) } else { tensor.data.clone() };
                (name.clone(), NamedTensor { data, ..tensor.clone() })
            });
            forward(plan, &BackboneWeights { tensors: tensors.collect() }, cut(&images), shape)
        };
        for (name, layer) in layers().into_iter().filter(|(_, layer)| layer.step.conv().is_some()) {
            let (whole, cut) = (layer.deviation(&*forward).unwrap(), layer.deviation(&with_cut_factors).unwrap());
            println!("{name}: {whole:.1e}, with factors of eleven bits {cut:.1e}");
            assert!(whole < sums_in(Precision::F32) / 10.0, "{name}: {whole}");
            assert!(cut > 3.0 * sums_in(Precision::F32), "{name}: {cut}");
            assert!(cut < sums_in(Precision::Tf32) / 3.0, "{name}: {cut}");
        }
    }
}
