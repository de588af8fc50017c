//! ResNeXt, DenseNet and EfficientNet-Lite from what torchvision, timm and others write.

use std::collections::BTreeMap;

use patchcore_config::backbone::{Family, NetworkEntry};
use patchcore_config::{Architecture, BackboneWeights, NamedTensor};
use patchcore_weights::{
    Rounding, WeightsError, encode_safetensors, import_known_safetensors, import_onnx, import_safetensors,
};

use crate::fixtures::{bottleneck, densenet, expected, fixture, resnext};

/// The greatest difference from the tensors of a fixture, relative to 1 and to each value; all names and shapes are the same.
fn difference(found: &BackboneWeights, wanted: &[(String, Vec<usize>, Vec<f32>)], what: &str) -> f32 {
    assert!(found.tensors.keys().eq(wanted.iter().map(|(name, ..)| name)), "{what}: {:?}", found.tensors.keys());
    let mut worst = 0.0f32;
    for (name, shape, data) in wanted {
        let tensor = &found.tensors[name];
        assert_eq!(&tensor.shape, shape, "{what} {name}");
        let pairs = tensor.data.iter().zip(data);
        worst = pairs.map(|(got, want)| (got - want).abs() / want.abs().max(1.0)).fold(worst, f32::max);
    }
    worst
}

#[test]
fn a_densenet_comes_from_both_exporters_and_from_tensors() {
    let network = densenet();
    let wanted = expected("densenet_folded.safetensors");
    let needed: Vec<_> = wanted
        .iter()
        .filter(|(name, ..)| !name.contains("denseblock4") && !name.contains("transition3"))
        .cloned()
        .collect();
    for (file, wanted, tolerance) in [
        ("densenet_script_17_folded_fc.onnx", &wanted, 5e-7),
        ("densenet_script_13_named_fc.onnx", &wanted, 0.0),
        ("densenet_dynamo_18_folded_fc_dynamic.onnx", &wanted, 5e-7),
        ("densenet_dynamo_20_named_trunk3.onnx", &needed, 0.0),
    ] {
        let weights = import_onnx(&network, file, &fixture(file)).unwrap_or_else(|error| panic!("{error}"));
        let found = difference(&weights, wanted, file);
        assert!(found <= tolerance, "{file}: {found}");
    }
    let state = import_safetensors(&network, "f", &fixture("densenet_state.safetensors")).unwrap();
    assert_eq!(difference(&state, &wanted, "state dict"), 0.0);
    // What this project has stored it reads, and stores again alike.
    let stored = fixture("densenet_folded.safetensors");
    let read = import_safetensors(&network, "f", &stored).unwrap();
    assert_eq!(read, state);
    let again = encode_safetensors(&read, Rounding::None).unwrap();
    assert_eq!(import_safetensors(&network, "f", &again).unwrap(), state);
}

#[test]
fn a_densenet_whose_names_are_lost_is_refused_with_the_remedy() {
    let file = "densenet_anonymous_folded.onnx";
    let error = import_onnx(&densenet(), file, &fixture(file)).unwrap_err();
    assert!(matches!(error, WeightsError::Unrecognised { .. }), "{error}");
    assert!(error.to_string().contains("export torchvision's model with torch.onnx.export"), "{error}");
}

#[test]
fn more_or_fewer_layers_are_another_densenet() {
    for file in ["densenet_script_17_folded_fc.onnx", "densenet_state.safetensors"] {
        let bytes = fixture(file);
        for layers in [[1, 2, 2, 1], [2, 3, 2, 1], [2, 2, 1, 1]] {
            let mut other = densenet();
            let Family::DenseNet(net) = &mut other.family else { panic!("it is one") };
            net.layers = layers;
            let import = if file.ends_with("onnx") { import_onnx } else { import_safetensors };
            let error = import(&other, file, &bytes).unwrap_err();
            let is_named = matches!(
                error,
                WeightsError::TensorMissing { .. } | WeightsError::Shape { .. } | WeightsError::UnexpectedTensor { .. }
            );
            assert!(is_named, "{layers:?}: {error}");
        }
    }
}

#[test]
fn a_normalisation_that_is_absent_or_misshapen_is_named_as_the_publisher_names_it() {
    let bytes = fixture("densenet_state.safetensors");
    let views = patchcore_weights::read_safetensors("f", &bytes).unwrap();
    for (norm, channels) in [("features.denseblock2.denselayer2.norm1", 6), ("features.transition1.norm", 8)] {
        let without: BTreeMap<_, _> =
            views.iter().filter(|(name, _)| !name.starts_with(norm)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let error = patchcore_weights::import_state_dict(&densenet(), "f", &without).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&format!("no `{norm}.weight`")) && message.contains(&format!("[{channels}]")),
            "{error}"
        );
        let mut changed = views.clone();
        changed.get_mut(&format!("{norm}.bias")).unwrap().dims = vec![channels + 1];
        let error = patchcore_weights::import_state_dict(&densenet(), "f", &changed).unwrap_err();
        assert!(matches!(&error, WeightsError::Shape { tensor, .. } if *tensor == format!("{norm}.bias")), "{error}");
    }
}

#[test]
fn a_resnext_comes_from_a_graph_and_from_tensors() {
    let wanted = expected("resnext_folded.safetensors");
    let file = "resnext_script_17_folded_fc.onnx";
    let weights = import_onnx(&resnext(), file, &fixture(file)).unwrap_or_else(|error| panic!("{error}"));
    assert!(difference(&weights, &wanted, file) <= 5e-7);
    let read = import_safetensors(&resnext(), "f", &fixture("resnext_folded.safetensors")).unwrap();
    assert_eq!(difference(&read, &wanted, "folded"), 0.0);
}

#[test]
fn a_resnet_is_no_resnext_although_all_names_are_the_same() {
    let named =
        |error: &WeightsError| matches!(error, WeightsError::Shape { tensor, .. } if tensor == "layer1.0.conv1.weight");
    let error = import_safetensors(&resnext(), "f", &fixture("bottleneck_folded.safetensors")).unwrap_err();
    assert!(named(&error), "{error}");
    let error = import_safetensors(&bottleneck(), "f", &fixture("resnext_folded.safetensors")).unwrap_err();
    assert!(named(&error), "{error}");
    // The same shapes in other groups are found by what the graph says.
    let mut other = resnext();
    let Family::ResNet(net) = &mut other.family else { panic!("it is one") };
    net.groups = 4;
    let error = import_onnx(&other, "f", &fixture("resnext_script_17_folded_fc.onnx")).unwrap_err();
    assert!(matches!(&error, WeightsError::Shape { tensor, .. } if tensor == "layer1.0.conv2.weight"), "{error}");
}

/// The tensors of a Lite as somebody names them, each value a constant that tells the tensors apart.
fn lite(network: &NetworkEntry, name_of: impl Fn(&str) -> (String, String)) -> Vec<u8> {
    let mut tensors = BTreeMap::new();
    let mut add = |name: String, shape: Vec<usize>, value: f32| {
        let data = vec![value; shape.iter().product()];
        tensors.insert(name, NamedTensor { shape, data });
    };
    for (index, conv) in network.plan_of_levels(network.levels.len()).convolutions().enumerate() {
        let (name, norm) = name_of(&conv.name);
        add(format!("{name}.weight"), conv.weight_shape().to_vec(), index as f32 + 1.0);
        // Variances that make the root 2, with EfficientNet's epsilon.
        for (leaf, value) in [("weight", 4.0), ("bias", 0.5), ("running_mean", 0.25), ("running_var", 4.0 - 1e-3)] {
            add(format!("{norm}.{leaf}"), vec![conv.out_channels], value);
        }
    }
    encode_safetensors(&BackboneWeights { tensors }, Rounding::None).unwrap()
}

#[test]
fn a_lite_is_read_under_timms_names_and_the_publishers() {
    let network = Architecture::EFFICIENTNET_LITE0.entry();
    // Lite0 has stages of 1, 2, 2 and 3 blocks.
    let places = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)];
    let timm = |name: &str| -> (String, String) {
        let Some((block, part)) = name.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')) else {
            return ("conv_stem".into(), "bn1".into());
        };
        let (stage, within) = places[block.parse::<usize>().unwrap()];
        let (conv, norm) = match (part, stage) {
            ("depthwise", 0) => ("conv_dw", "bn1"),
            ("project", 0) => ("conv_pw", "bn2"),
            ("expand", _) => ("conv_pw", "bn1"),
            ("depthwise", _) => ("conv_dw", "bn2"),
            _ => ("conv_pwl", "bn3"),
        };
        (format!("blocks.{stage}.{within}.{conv}"), format!("blocks.{stage}.{within}.{norm}"))
    };
    let publisher = |name: &str| -> (String, String) {
        let Some((block, part)) = name.rsplit_once('.') else { return ("_conv_stem".into(), "_bn0".into()) };
        let number = ["expand", "depthwise", "project"].iter().position(|known| *known == part).unwrap();
        (format!("_{block}._{part}_conv"), format!("_{block}._bn{number}"))
    };
    let from_timm = import_known_safetensors(network.name, "f", &lite(network, timm)).unwrap();
    let from_publisher = import_known_safetensors(network.name, "f", &lite(network, publisher)).unwrap();
    assert_eq!(from_timm, from_publisher);
    for (index, conv) in network.plan_of_levels(3).convolutions().enumerate() {
        // 4 / 2, and 0.5 - 0.25 x 2.
        let weight = &from_timm.tensors[&conv.weight_name()];
        assert!(weight.data.iter().all(|value| (value - 2.0 * (index as f32 + 1.0)).abs() < 1e-5), "{}", conv.name);
        assert!(from_timm.tensors[&conv.bias_name()].data.iter().all(|value| value.abs() < 1e-6), "{}", conv.name);
    }
}

#[test]
fn a_lite_without_its_normalisations_is_refused() {
    let network = Architecture::EFFICIENTNET_LITE0.entry();
    let error = import_known_safetensors(network.name, "f", &lite(network, |name| (name.into(), "elsewhere".into())));
    let error = error.unwrap_err();
    assert!(matches!(&error, WeightsError::TensorMissing { tensor, .. } if tensor == "stem.bias"), "{error}");
}
