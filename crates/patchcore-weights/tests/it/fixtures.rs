//! The tiny networks of `tests/fixtures/generate.py`.

use std::fs;
use std::path::PathBuf;

use patchcore_weights::{Architecture, Block, read_safetensors};

/// The basic-block network of the fixtures.
pub const BASIC: Architecture =
    Architecture { name: "tiny_basic", block: Block::Basic, blocks: [2, 1, 1, 1], stem_width: 2, width_factor: 1 };

/// The bottleneck network of the fixtures.
pub const BOTTLENECK: Architecture = Architecture {
    name: "tiny_bottleneck",
    block: Block::Bottleneck,
    blocks: [2, 1, 1, 1],
    stem_width: 2,
    width_factor: 1,
};

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

/// Every ONNX fixture that must import, with its network and the layer it ends in.
pub const EXPORTS: [(&str, &Architecture, usize); 14] = [
    ("basic_script_11_folded_fc.onnx", &BASIC, 4),
    ("basic_script_13_named_fc_dynamic.onnx", &BASIC, 4),
    ("basic_script_17_folded_trunk3_dynamic.onnx", &BASIC, 3),
    ("basic_dynamo_18_folded_fc_dynamic.onnx", &BASIC, 4),
    ("basic_dynamo_20_named_trunk3.onnx", &BASIC, 3),
    ("basic_anonymous_unfolded.onnx", &BASIC, 4),
    ("basic_float_data.onnx", &BASIC, 3),
    ("basic_double_data.onnx", &BASIC, 3),
    ("basic_half_17.onnx", &BASIC, 4),
    ("bottleneck_script_20_folded_fc.onnx", &BOTTLENECK, 4),
    ("bottleneck_script_12_named_fc.onnx", &BOTTLENECK, 4),
    ("bottleneck_dynamo_20_folded_trunk4_dynamic.onnx", &BOTTLENECK, 4),
    ("bottleneck_anonymous_folded.onnx", &BOTTLENECK, 4),
    ("bottleneck_dynamo_20_named_sequential.onnx", &BOTTLENECK, 3),
];
