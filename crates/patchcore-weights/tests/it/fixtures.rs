//! The tiny networks of `tests/fixtures/generate.py`.

use std::fs;
use std::path::PathBuf;

use patchcore_config::Architecture;
use patchcore_config::backbone::{Family, NetworkEntry, ResNet};
use patchcore_weights::read_safetensors;

/// The basic-block network of the fixtures.
pub fn basic() -> NetworkEntry {
    tiny("tiny_basic", 1)
}

/// The bottleneck network of the fixtures.
pub fn bottleneck() -> NetworkEntry {
    tiny("tiny_bottleneck", 4)
}

fn tiny(name: &'static str, expansion: usize) -> NetworkEntry {
    let net = ResNet { blocks: [2, 1, 1, 1], expansion, stem: 2, width: 2, groups: 1 };
    // Its levels have the names of any ResNet's.
    NetworkEntry { name, family: Family::ResNet(net), ..*Architecture::RESNET18.entry() }
}

/// The bytes of a fixture.
pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The tensors that an importer must deliver: name, shape, values.
pub fn expected(name: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let bytes = fixture(name);
    let tensors = read_safetensors(name, &bytes).unwrap();
    let decode = |(name, view): (&String, &patchcore_weights::TensorView<'_>)| {
        let shape: Vec<usize> = view.dims.iter().map(|&extent| extent as usize).collect();
        let data = view.decode("expected", shape.iter().product()).unwrap();
        (name.clone(), shape, data)
    };
    tensors.iter().map(decode).collect()
}

/// A file, its network and the layer it ends in.
type Export = (&'static str, fn() -> NetworkEntry, usize);

/// Every ONNX fixture that must import.
pub const EXPORTS: [Export; 14] = [
    ("basic_script_11_folded_fc.onnx", basic, 4),
    ("basic_script_13_named_fc_dynamic.onnx", basic, 4),
    ("basic_script_17_folded_trunk3_dynamic.onnx", basic, 3),
    ("basic_dynamo_18_folded_fc_dynamic.onnx", basic, 4),
    ("basic_dynamo_20_named_trunk3.onnx", basic, 3),
    ("basic_anonymous_unfolded.onnx", basic, 4),
    ("basic_float_data.onnx", basic, 3),
    ("basic_double_data.onnx", basic, 3),
    ("basic_half_17.onnx", basic, 4),
    ("bottleneck_script_20_folded_fc.onnx", bottleneck, 4),
    ("bottleneck_script_12_named_fc.onnx", bottleneck, 4),
    ("bottleneck_dynamo_20_folded_trunk4_dynamic.onnx", bottleneck, 4),
    ("bottleneck_anonymous_folded.onnx", bottleneck, 4),
    ("bottleneck_dynamo_20_named_sequential.onnx", bottleneck, 3),
];
