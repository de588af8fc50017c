//! The two fixtures of this package: plans of the real networks with 1/32 of the channels.

use std::path::Path;

use patchcore_config::backbone::plan::Plan;
use patchcore_config::backbone::{Family, NetworkEntry, ResNet};
use patchcore_config::{Architecture, BackboneWeights};
use own_backbone::{narrow_resnet18, narrow_resnet50};
use patchcore_weights::import_onnx;

use crate::layers::{assert_same_layers, batch, device};

/// Even and odd sides, one image and two.
const SIZES: [[usize; 3]; 3] = [[1, 64, 64], [2, 47, 33], [1, 97, 130]];

#[test]
fn a_basic_block_network_is_the_same() {
    let (plan, weights) = narrow(Architecture::RESNET18, [2, 2, 2, 1]);
    let model = narrow_resnet18::Model::from_embedded(&device());
    for size in SIZES {
        let batch = batch(size);
        let (layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer2, layer3]);
    }
}

#[test]
fn a_bottleneck_network_with_its_batch_norm_is_the_same() {
    let (plan, weights) = narrow(Architecture::RESNET50, [3, 4, 6, 1]);
    let model = narrow_resnet50::Model::from_embedded(&device());
    for size in SIZES {
        let batch = batch(size);
        let (layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer2, layer3]);
    }
}

/// The plan to layer2 and layer3 with 1/32 of the channels, and the imported fixture, whose layer4 has one block.
fn narrow(architecture: Architecture, blocks: [usize; 4]) -> (Plan, BackboneWeights) {
    let Family::ResNet(wide) = architecture.entry().family else { panic!("{architecture:?} is no ResNet") };
    let family = Family::ResNet(ResNet { blocks, stem: 2, width: 2, ..wide });
    let network = NetworkEntry { name: "narrow", family, ..*architecture.entry() };
    let plan = network.plan(&["layer2", "layer3"].map(str::to_owned)).unwrap();

    let name = format!("narrow_{}.onnx", architecture.name());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(&name);
    let weights = import_onnx(&network, &name, &std::fs::read(path).unwrap()).unwrap();
    (plan, weights)
}
