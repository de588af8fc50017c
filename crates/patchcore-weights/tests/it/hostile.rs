//! Damaged and malicious bytes: an error, never a panic, a hang or memory out of proportion.

use patchcore_weights::{WeightsError, import_onnx, import_safetensors, read_onnx};
use proptest::prelude::*;

use crate::fixtures::{EXPORTS, basic, bottleneck, fixture};

/// A length-delimited protobuf field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![(number << 3) | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length as u8) | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

fn model(graph: &[u8]) -> Vec<u8> {
    [vec![0x08, 8], field(7, graph)].concat()
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for input in inputs {
        bytes.extend(field(1, input.as_bytes()));
    }
    for output in outputs {
        bytes.extend(field(2, output.as_bytes()));
    }
    bytes.extend(field(4, op.as_bytes()));
    field(1, &bytes)
}

#[test]
fn truncated_at_every_byte() {
    for (file, architecture) in
        [("basic_script_17_folded_trunk3_dynamic.onnx", &basic()), ("basic_dynamo_20_named_trunk3.onnx", &basic())]
    {
        let bytes = fixture(file);
        // What follows the graph is the list of operator sets: a file cut there has lost no weight.
        let graph_end = bytes.len() - 32;
        for length in 0..graph_end {
            assert!(import_onnx(architecture, file, &bytes[..length]).is_err(), "{file} cut to {length}");
        }
        let error = import_onnx(architecture, file, &bytes[..graph_end / 2]).unwrap_err();
        assert!(matches!(error, WeightsError::Truncated { .. }), "{error}");
    }
}

/// The graph message of a model that has it as its last large field.
fn graph_of(bytes: &[u8]) -> &[u8] {
    // Tag 0x3a, then the length of everything up to the operator sets.
    for at in 0..200 {
        if bytes[at] != 0x3a {
            continue;
        }
        let (mut length, mut index) = (0_usize, 0);
        while index < 4 {
            let byte = bytes[at + 1 + index];
            length |= usize::from(byte & 0x7f) << (7 * index);
            index += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let start = at + 1 + index;
        if start + length <= bytes.len() && start + length + 40 > bytes.len() && length > 1_000 {
            return &bytes[start..start + length];
        }
    }
    panic!("no graph in the fixture");
}

#[test]
fn a_graph_cut_at_every_byte_inside_an_honest_envelope() {
    for (file, architecture) in
        [("basic_script_17_folded_trunk3_dynamic.onnx", &basic()), ("basic_anonymous_unfolded.onnx", &basic())]
    {
        let bytes = fixture(file);
        let graph = graph_of(&bytes);
        assert!(import_onnx(architecture, file, &model(graph)).is_ok(), "{file}");
        let complete =
            (0..graph.len()).filter(|&length| import_onnx(architecture, file, &model(&graph[..length])).is_ok());
        // Only the lists of inputs and outputs, which end the graph, may be cut without losing a weight.
        assert!(complete.count() < 8, "{file}");
    }
}

#[test]
fn a_truncated_safetensors_file_is_refused_at_every_byte() {
    let bytes = fixture("basic_state.safetensors");
    for length in 0..bytes.len() {
        let error = import_safetensors(&basic(), "f", &bytes[..length]).unwrap_err();
        assert!(matches!(error, WeightsError::NotSafetensors { .. }), "{error}");
    }
}

#[test]
fn what_is_no_onnx_is_called_so() {
    for bytes in
        [&b""[..], b"<html>", b"\x89PNG\r\n", b"version https://git-lfs.github.com/spec/v1", b"PK\x03\x04", &[0xff; 9]]
    {
        let error = read_onnx("x.onnx", bytes).unwrap_err();
        assert!(matches!(error, WeightsError::NotOnnx { .. }), "{error}");
    }
    assert!(matches!(read_onnx("x.onnx", &[0x08, 0x08]), Err(WeightsError::NotOnnx { .. })));
}

#[test]
fn a_two_gigabyte_length_prefix_takes_no_memory() {
    let bytes = [0x08, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0];
    assert!(matches!(read_onnx("x.onnx", &bytes), Err(WeightsError::Truncated { .. })));
}

#[test]
fn huge_dimensions_are_compared_not_allocated() {
    let mut tensor = Vec::new();
    for _ in 0..4 {
        tensor.extend([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    }
    tensor.extend([0x10, 1]);
    tensor.extend(field(8, b"conv1.weight"));
    let mut graph = field(5, &tensor);
    graph.extend(field(5, &[tensor.as_slice(), &field(8, b"layer1.0.conv1.weight")].concat()));
    let error = import_onnx(&basic(), "x.onnx", &model(&graph)).unwrap_err();
    assert!(matches!(error, WeightsError::Shape { .. }), "{error}");
}

#[test]
fn a_tensor_of_the_right_shape_without_values_is_refused() {
    let file = "basic_script_17_folded_trunk3_dynamic.onnx";
    let mut bytes = fixture(file);
    // raw_data (field 9) becomes an unknown field of the same length: every tensor is empty.
    let mut index = 0;
    let mut changed = 0;
    while index + 3 < bytes.len() {
        if bytes[index..].starts_with(&[0x4a, 0x90, 0x01]) {
            bytes[index] = 0x7a;
            changed += 1;
        }
        index += 1;
    }
    assert!(changed > 0);
    let error = import_onnx(&basic(), file, &bytes).unwrap_err();
    assert!(matches!(error, WeightsError::ValueCount { found: 0, .. }), "{error}");
}

#[test]
fn a_cyclic_graph_ends() {
    let mut graph = Vec::new();
    graph.extend(node("Conv", &["a", "w"], &["b"]));
    graph.extend(node("Identity", &["b"], &["a"]));
    graph.extend(node("Identity", &["w"], &["w"]));
    graph.extend(node("Identity", &["c"], &["d"]));
    graph.extend(node("Identity", &["d"], &["c"]));
    graph.extend(node("Relu", &["b"], &["b"]));
    graph.extend(node("MaxPool", &["b"], &["b"]));
    graph.extend(field(11, &field(1, b"a")));
    for architecture in [&basic(), &bottleneck()] {
        assert!(import_onnx(architecture, "x.onnx", &model(&graph)).is_err());
    }
    // A residual network whose every block is the same block.
    let mut graph = Vec::new();
    graph.extend(node("Conv", &["image", "w"], &["s"]));
    graph.extend(node("Relu", &["s"], &["r"]));
    graph.extend(node("MaxPool", &["r"], &["x"]));
    graph.extend(node("Conv", &["x", "w"], &["c1"]));
    graph.extend(node("Relu", &["c1"], &["r1"]));
    graph.extend(node("Conv", &["r1", "w"], &["c2"]));
    graph.extend(node("Add", &["c2", "x"], &["sum"]));
    graph.extend(node("Relu", &["sum"], &["x"]));
    graph.extend(field(11, &field(1, b"image")));
    assert!(import_onnx(&basic(), "x.onnx", &model(&graph)).is_err());
}

#[test]
fn a_flood_of_empty_nodes_is_refused() {
    let graph: Vec<u8> = std::iter::repeat_n([0x0a, 0x00], 300_000).flatten().collect();
    let error = read_onnx("x.onnx", &model(&graph)).unwrap_err();
    assert!(matches!(error, WeightsError::Malformed { .. }), "{error}");
}

#[test]
fn a_flood_of_convolutions_on_one_value_ends() {
    let one = node("Conv", &["a", "a"], &["a"]);
    let graph = [one.repeat(40_000), field(11, &field(1, b"a"))].concat();
    assert!(import_onnx(&basic(), "x.onnx", &model(&graph)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Flipped, overwritten and cut bytes anywhere: the reader returns, and an accepted file has every tensor.
    #[test]
    fn mutated_exports_never_panic(
        which in 0..EXPORTS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_start in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (file, network, _) = EXPORTS[which];
        let mut bytes = fixture(file);
        for (index, value) in edits {
            let span = if near_start { bytes.len().min(600) } else { bytes.len() };
            let at = index.index(span);
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(tensors) = import_onnx(&network(), file, &bytes) {
            prop_assert!(tensors.tensors.values().all(|tensor| tensor.data.iter().all(|value| value.is_finite())));
        }
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_onnx("x.onnx", &bytes);
        let _ = import_safetensors(&basic(), "x", &bytes);
        bytes.splice(0..0, [0x08, 8]);
        let _ = import_onnx(&basic(), "x.onnx", &bytes);
        let _ = import_onnx(&basic(), "x.onnx", &model(&bytes));
    }
}
