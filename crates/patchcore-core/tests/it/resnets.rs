//! The deeper ResNets, with weights from a formula, against torchvision's own code.

use patchcore_config::{Architecture, NamedTensor};

use crate::arrays::Arrays;
use crate::formula::{fill, resnet};
use crate::implementations::{assert_close, run};

/// Relative to the layer's largest value or norm; torchvision ran in f64. Measured: 1.4e-6 (CPU kernels), 7.9e-7 (tensors).
const TOLERANCE: f32 = 1e-5;

#[test]
fn resnet34_agrees_with_torchvision() {
    agrees_with_torchvision(Architecture::RESNET34);
}

#[test]
fn resnet50_agrees_with_torchvision() {
    agrees_with_torchvision(Architecture::RESNET50);
}

#[test]
fn wide_resnet50_2_agrees_with_torchvision() {
    agrees_with_torchvision(Architecture::WIDE_RESNET50_2);
}

fn agrees_with_torchvision(architecture: Architecture) {
    let backbone = architecture.name();
    let golden = Arrays::fixture("resnets.safetensors");
    let image = fill(&format!("{backbone}/input"), &[1, 3, 47, 33], 2.0);
    for (implementation, maps) in run(architecture, &resnet(architecture), &image) {
        assert_eq!(maps.len(), 2);
        for (map, layer) in maps.iter().zip(["layer2", "layer3"]) {
            let what = format!("{implementation}, {backbone}, {layer}");
            assert_eq!(map.shape, golden.indices(&format!("{backbone}.{layer}.shape")), "{what}");
            let every7th: Vec<f32> = map.data.iter().copied().step_by(7).collect();
            let wanted = golden.tensor(&format!("{backbone}.{layer}.every7th"));
            assert_close(&what, &every7th, &wanted.data, TOLERANCE);
            let wanted = golden.tensor(&format!("{backbone}.{layer}.norms"));
            assert_close(&format!("{what}, norms"), &channel_norms(map), &wanted.data, TOLERANCE);
        }
    }
}

/// L2 norm of every channel of a map `[1, channels, height, width]`.
fn channel_norms(map: &NamedTensor) -> Vec<f32> {
    let planes = map.data.chunks(map.shape[2] * map.shape[3]);
    planes.map(|plane| plane.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32).collect()
}
