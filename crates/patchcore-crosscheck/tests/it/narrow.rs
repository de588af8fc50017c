//! The two fixtures of this package: plans of the real networks with 1/32 of the channels.

use std::path::Path;

use patchcore_config::backbone::plan::{Plan, Step};
use patchcore_config::{Architecture, BackboneWeights};
use patchcore_crosscheck::{narrow_resnet18, narrow_resnet50};
use patchcore_weights::{Block, backbone_weights, import_onnx};

use crate::layers::{assert_same_layers, batch, device};

/// Even and odd sides, one image and two.
const SIZES: [[usize; 3]; 3] = [[1, 64, 64], [2, 47, 33], [1, 97, 130]];

#[test]
fn a_basic_block_network_is_the_same() {
    let (plan, weights) = narrow(Architecture::RESNET18, Block::Basic, [2, 2, 2, 1]);
    let model = narrow_resnet18::Model::from_embedded(&device());
    for size in SIZES {
        let batch = batch(size);
        let (layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer2, layer3]);
    }
}

#[test]
fn a_bottleneck_network_with_its_batch_norm_is_the_same() {
    let (plan, weights) = narrow(Architecture::RESNET50, Block::Bottleneck, [3, 4, 6, 1]);
    let model = narrow_resnet50::Model::from_embedded(&device());
    for size in SIZES {
        let batch = batch(size);
        let (layer2, layer3) = model.forward(batch.clone());
        assert_same_layers(&plan, &weights, &batch, vec![layer2, layer3]);
    }
}

/// The plan to layer2 and layer3 with narrow channels, and the imported fixture.
fn narrow(architecture: Architecture, block: Block, blocks: [usize; 4]) -> (Plan, BackboneWeights) {
    let mut plan = architecture.plan(&["layer2", "layer3"].map(str::to_owned)).unwrap();
    for step in &mut plan.steps {
        if let Step::Conv(conv) = step {
            conv.out_channels /= 32;
            if conv.from != 0 {
                conv.in_channels /= 32;
            }
        }
    }
    plan.taps.iter_mut().for_each(|tap| tap.channels /= 32);

    let name = format!("narrow_{}.onnx", architecture.name());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(&name);
    let known = patchcore_weights::Architecture { name: "narrow", block, blocks, stem_width: 2, width_factor: 1 };
    let tensors = import_onnx(&known, &name, &std::fs::read(path).unwrap()).unwrap();
    (plan, backbone_weights(tensors))
}
