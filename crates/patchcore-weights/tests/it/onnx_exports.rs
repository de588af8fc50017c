//! Files that PyTorch's exporters wrote, against the network they were exported from.

use patchcore_config::backbone::Family;
use patchcore_weights::{WeightsError, import_onnx, import_safetensors, read_onnx};

use crate::fixtures::{EXPORTS, basic, bottleneck, expected, fixture};

#[test]
fn every_export_gives_the_folded_network() {
    for (file, network, last) in EXPORTS {
        let network = network();
        let kind = if network.name == "tiny_basic" { "basic" } else { "bottleneck" };
        let weights = import_onnx(&network, file, &fixture(file)).unwrap_or_else(|error| panic!("{error}"));
        let tensors = weights.tensors;
        let wanted = expected(&format!("{kind}_folded.safetensors"));
        let wanted: Vec<_> = wanted.iter().filter(|(name, ..)| last == 4 || !name.starts_with("layer4")).collect();
        assert_eq!(tensors.len(), wanted.len(), "{file}");
        // Folded by us from f32 tensors: the same f64 arithmetic as the generator's. Folded by PyTorch: in f32.
        let tolerance = match file {
            _ if file.contains("half") => 4e-3,
            _ if file.contains("named") || file.contains("unfolded") => 0.0,
            _ => 5e-7,
        };
        for (name, shape, data) in wanted {
            let tensor = &tensors[name];
            assert_eq!(&tensor.shape, shape, "{file} {name}");
            for (got, want) in tensor.data.iter().zip(data) {
                assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{file} {name}: {got} {want}");
            }
        }
    }
}

#[test]
fn the_model_tells_who_wrote_it() {
    let bytes = fixture("basic_script_13_named_fc_dynamic.onnx");
    let model = read_onnx("f", &bytes).unwrap();
    assert_eq!((model.producer_name, model.opset(), model.ir_version), ("pytorch", Some(13), 7));
    assert_eq!(model.inputs, ["image"]);
    assert_eq!(model.outputs.len(), 1);
    assert!(model.nodes.iter().any(|node| node.op_type == "Gemm"));
}

#[test]
fn a_state_dict_gives_the_same_tensors_bit_for_bit() {
    let tensors = import_safetensors(&basic(), "f", &fixture("basic_state.safetensors")).unwrap().tensors;
    for (name, shape, data) in expected("basic_folded.safetensors") {
        assert_eq!((&tensors[&name].shape, &tensors[&name].data), (&shape, &data), "{name}");
    }
}

#[test]
fn external_data_is_refused_with_the_remedy() {
    let error = import_onnx(&basic(), "net.onnx", &fixture("basic_external_data.onnx")).unwrap_err();
    assert!(matches!(error, WeightsError::ExternalData { .. }), "{error}");
    assert!(error.to_string().contains("external_data=False"), "{error}");
}

#[test]
fn another_architecture_is_refused() {
    for (file, network, _) in EXPORTS {
        let other = if network().name == "tiny_basic" { bottleneck() } else { basic() };
        let error = import_onnx(&other, file, &fixture(file)).unwrap_err();
        let typed = matches!(
            error,
            WeightsError::TensorMissing { .. }
                | WeightsError::Shape { .. }
                | WeightsError::UnexpectedTensor { .. }
                | WeightsError::Unrecognised { .. }
        );
        assert!(typed && error.to_string().contains(file), "{file}: {error}");
    }
}

#[test]
fn more_or_fewer_blocks_are_another_network() {
    for (file, network, _) in EXPORTS {
        let bytes = fixture(file);
        for blocks in [[1, 1, 1, 1], [2, 2, 1, 1], [2, 1, 2, 1]] {
            let mut other = network();
            let Family::ResNet(net) = &mut other.family else { panic!("{file} is a ResNet") };
            net.blocks = blocks;
            assert!(import_onnx(&other, file, &bytes).is_err(), "{file} {blocks:?}");
        }
    }
}

#[test]
fn a_stride_that_torchvision_has_not_is_refused() {
    let error = import_onnx(&bottleneck(), "v1.onnx", &fixture("bottleneck_stride_first.onnx")).unwrap_err();
    assert!(matches!(error, WeightsError::Layer { attribute: "strides", .. }), "{error}");
}

#[test]
fn values_that_are_no_numbers_are_refused_with_their_tensor() {
    let error = import_onnx(&basic(), "nan.onnx", &fixture("basic_nan.onnx")).unwrap_err();
    assert!(matches!(&error, WeightsError::NotFinite { tensor, .. } if tensor == "layer2.0.conv2.weight"), "{error}");
}

#[test]
fn quantised_weights_are_refused_with_their_type() {
    let error = import_onnx(&basic(), "i8.onnx", &fixture("basic_int8.onnx")).unwrap_err();
    assert!(matches!(&error, WeightsError::Dtype { found, .. } if found == "i8"), "{error}");
}

#[test]
fn preprocessing_inside_the_graph_is_refused() {
    let error = import_onnx(&basic(), "pre.onnx", &fixture("basic_preprocessing.onnx")).unwrap_err();
    assert!(error.to_string().contains("preprocessing"), "{error}");
}
