//! Models of several networks of the catalogue: their weights by name, what is shared, what a file holds of them and refuses.

use patchcore_config::backbone::plan::Plan;
use patchcore_config::{
    Architecture, Checked, ImageScoreRule, MemberConfig, Mode, NetworkPrecision, NetworkWeights, Weighting,
};

use crate::backbone::test_networks;
use crate::device::ComputeDevice;
use crate::error::{BackboneError, ModelFileError};
use crate::extractor::Extractor;
use crate::model_file::{DriftPolicy, ModelFile, StoredPath};
use crate::model_tests::{config, input, photo};
use crate::network_group::catalogue_backbones;
use crate::{Fitter, PatchCore, RangeSurvey};

const LITE0: Architecture = Architecture::EFFICIENTNET_LITE0;
const RESNET18: Architecture = Architecture::RESNET18;

/// Members of mode `line` for small levels of both networks: two of each.
fn line_members() -> Vec<MemberConfig> {
    let of = |network: Architecture, layers: [&str; 1]| Mode::Line.members(network, layers.map(str::to_owned).to_vec());
    [of(LITE0, ["block4"]), of(RESNET18, ["layer2"])].concat()
}

fn ensemble() -> Checked {
    config(line_members(), ImageScoreRule::MaximumOfMap)
}

fn plan(network: Architecture, layers: &[&str]) -> Plan {
    network.plan(&layers.iter().map(|layer| (*layer).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn weights() -> NetworkWeights {
    let of = |network, layers: &[&str]| test_networks::weights(&plan(network, layers));
    NetworkWeights::new()
        .with(LITE0.name(), of(LITE0, &["block4", "block7"]))
        .with(RESNET18.name(), of(RESNET18, &["layer1", "layer2", "layer3"]))
}

fn fit(config: Checked, weights: &NetworkWeights) -> PatchCore {
    let device = ComputeDevice::cpu();
    let mut survey = RangeSurvey::new(config.clone(), weights, &device).unwrap();
    let any_int8 = config.members.iter().any(|member| member.network_precision.has_ranges());
    let ranges = if any_int8 {
        survey.add(input(&photo(0))).unwrap();
        survey.finish().unwrap()
    } else {
        Vec::new()
    };
    let mut fitter = Fitter::with_ranges(config, weights, &ranges, &device).unwrap();
    for seed in 0..2 {
        fitter.add(input(&photo(seed))).unwrap();
    }
    fitter.finish(&mut |_, _| true).unwrap()
}

fn load(file: ModelFile, weights: Option<&NetworkWeights>) -> Result<PatchCore, ModelFileError> {
    file.into_model(weights.map(Into::into), &ComputeDevice::cpu(), DriftPolicy::Refuse)
}

#[test]
fn members_of_one_network_share_it_and_other_networks_are_others() {
    let (config, weights) = (ensemble(), weights());
    let backbones = catalogue_backbones(&config, (&weights).into()).unwrap();
    let names: Vec<&str> = backbones.iter().map(|backbone| backbone.name()).collect();
    assert_eq!(names, ["efficientnet_lite0", "efficientnet_lite0", "resnet18", "resnet18"]);
    let extractor = Extractor::new(config, &weights, &ComputeDevice::cpu()).unwrap();
    // Each runs once for both of its members.
    assert_eq!(extractor.networks().map(|(name, _)| name).collect::<Vec<_>>(), ["efficientnet_lite0", "resnet18"]);
    let mut members = Vec::new();
    extractor.embed(&[input(&photo(0))], &mut |embedded| members.push(embedded.embedding)).unwrap();
    assert_eq!(members, [0, 1, 2, 3]);
}

#[test]
fn weights_that_are_missing_or_nameless_are_refused_by_the_networks_names() {
    let (all, device) = (weights(), ComputeDevice::cpu());
    let lite0 = all.get(LITE0.name()).unwrap().clone();
    let refused = Extractor::new(ensemble(), &lite0, &device).unwrap_err().to_string();
    assert!(refused.contains("several networks (efficientnet_lite0, resnet18)"), "{refused}");
    let only = NetworkWeights::new().with(LITE0.name(), lite0.clone());
    let refused = Extractor::new(ensemble(), &only, &device).unwrap_err().to_string();
    assert!(refused.contains("no weights for the network resnet18"), "{refused}");
    // Weights of one network under the other's name.
    let swapped = only.clone().with(RESNET18.name(), lite0.clone());
    let refused = Extractor::new(ensemble(), &swapped, &device).unwrap_err().to_string();
    assert!(refused.contains("resnet18"), "{refused}");

    let file = ModelFile::new(&fit(ensemble(), &all));
    let refused = file.clone().with_weights(&lite0).unwrap_err();
    assert!(matches!(refused, ModelFileError::Backbone(BackboneError::SeveralNetworks { .. })), "{refused}");
    for refused in [file.clone().with_weights(&only).unwrap_err(), load(file.clone(), Some(&only)).unwrap_err()] {
        let digest = file.header.networks[1].sha256.clone();
        assert_eq!(refused, ModelFileError::WeightsNeeded { backbone: "resnet18".to_owned(), expected: digest });
    }
    let mut other = all.clone();
    other.get_mut(RESNET18.name()).unwrap().tensors.get_mut("conv1.weight").unwrap().data[0] += 1.0;
    let refused = load(file.clone(), Some(&other)).unwrap_err();
    assert!(matches!(&refused, ModelFileError::OtherWeights { backbone, .. } if backbone == "resnet18"), "{refused}");
    for (network, weights, is) in [
        ("resnet18", &all, true),
        ("resnet18", &other, false),
        ("resnet34", &all, false),
        ("efficientnet_lite0", &other, true),
    ] {
        let own = weights.get(network).or(weights.get("resnet18")).unwrap();
        assert_eq!(file.header.is_of(network, own), is, "{network}");
    }
}

#[test]
fn a_file_holds_the_weights_of_every_network_under_its_name() {
    let all = weights();
    let model = fit(ensemble(), &all);
    let expected = model.score(input(&photo(7))).unwrap();
    let file = ModelFile::new(&model);
    assert!(!file.header.requires.iter().any(|name| name.starts_with("embedded_weights")));
    let loaded = load(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), Some(&all)).unwrap();
    assert_eq!(loaded.score(input(&photo(7))).unwrap(), expected);

    let mut with = file.clone().with_weights(&all).unwrap();
    let place = StoredPath { absolute: b"/weights/\xff.onnx".to_vec(), relative: b"\xff.onnx".to_vec() };
    with.sections.weights_files.insert("resnet18".to_owned(), place);
    let names: Vec<&String> = with.header.requires.iter().filter(|name| name.starts_with("embedded_weights")).collect();
    assert_eq!(names, ["embedded_weights_by_network"]);
    // What no layer needs is left out.
    let plan = plan(RESNET18, &["layer1", "layer2"]);
    let stored = with.weights().unwrap().get("resnet18").unwrap();
    assert_eq!(stored.tensors.len(), plan.expected_tensors().len());
    let bytes = with.to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for network in ["efficientnet_lite0", "resnet18"] {
        let own = format!("weights.{network}.");
        let found = tensors.names().iter().filter(|name| name.starts_with(&own)).count();
        assert_eq!(found, with.weights().unwrap().get(network).unwrap().tensors.len(), "{network}");
    }
    let read = ModelFile::from_bytes(&bytes).unwrap();
    assert!(read.to_bytes().unwrap() == bytes && read.weights() == with.weights());
    assert_eq!(read.sections.weights_files, with.sections.weights_files);
    assert_eq!(read.computed_sha256().unwrap(), file.computed_sha256().unwrap());
    assert_eq!(load(read, None).unwrap().score(input(&photo(7))).unwrap(), expected);
    assert_eq!(
        load(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), None)
            .unwrap_err()
            .to_string()
            .matches("efficientnet_lite0")
            .count(),
        1
    );
}

/// The weights of good photos, and the joint map of each member's own.
#[test]
fn the_map_is_the_mean_of_every_members_by_weights_from_good_photos() {
    let all = weights();
    let model = fit(ensemble(), &all);
    assert!(model.config().members.iter().all(|member| member.weighting == Weighting::GoodPatches));
    let sum: f32 = model.config().members.iter().map(|member| member.weight).sum();
    assert!((sum - 4.0).abs() < 1e-5, "{sum}");
    let pixels = photo(9);
    let (joint, members) = model.score_members(input(&pixels), None).unwrap();
    assert_eq!(joint, model.score(input(&pixels)).unwrap());
    assert_eq!(members.len(), 4);
    for (number, member) in members.iter().enumerate() {
        let config = model.config().clone().into_config();
        let own = vec![config.members[number].clone()];
        let config = config.with_members(own).check().unwrap();
        let extractor = Extractor::new(config, &all, &ComputeDevice::cpu()).unwrap();
        let banks = vec![model.members()[number].bank().clone()];
        let alone = PatchCore::new(extractor, banks, model.fitted_on()).unwrap().score(input(&pixels)).unwrap();
        assert_eq!(member.map, alone.map, "{number}");
        assert_eq!(member.score, alone.patch_scores.iter().copied().fold(0.0, f32::max), "{number}");
    }
    for (pixel, joint) in joint.map.scores.iter().enumerate() {
        let weighted =
            model.config().members.iter().zip(&members).map(|(rules, member)| rules.weight * member.map.scores[pixel]);
        let mean = weighted.sum::<f32>() / sum;
        assert!((joint - mean).abs() <= 1e-5 * mean.abs(), "{joint} {mean}");
    }
}

/// Means over several neighbours, as the authors' segmentation ensemble has them, and the map's maximum.
#[test]
fn the_maximum_of_a_map_of_means_counts_several_neighbours() {
    let all = weights();
    let of = |rule, k| {
        let config = ensemble().into_config().with_image_score(rule).with_num_neighbors(k);
        fit(config.check().unwrap(), &all)
    };
    let pixels = photo(5);
    let score = |model: &PatchCore| model.score(input(&pixels)).unwrap();
    let of_nearest = of(ImageScoreRule::MaximumOfMap, 9);
    let nearest = score(&of_nearest);
    // One neighbour is the nearest.
    assert_eq!(score(&of(ImageScoreRule::MaximumOfMapOfMeans, 1)), nearest);
    let model = of(ImageScoreRule::MaximumOfMapOfMeans, 3);
    let found = score(&model);
    assert_eq!(found.score, found.map.max());
    let members = |model: &PatchCore| model.score_members(input(&pixels), None).unwrap().1;
    for (mean, nearest) in members(&model).iter().zip(members(&of_nearest)) {
        let pixels = mean.map.scores.iter().zip(&nearest.map.scores);
        assert!(mean.score > nearest.score && pixels.into_iter().all(|(mean, nearest)| *mean >= nearest * 0.999));
    }
    assert!(found.score > nearest.score);
    let file = ModelFile::new(&model).with_weights(&all).unwrap();
    assert_eq!(file.header.requires.last().map(String::as_str), Some("maximum_of_map_of_means"));
    assert_eq!(score(&load(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), None).unwrap()), found);
}

#[test]
fn every_network_of_int8_has_ranges_of_its_own() {
    let all = weights();
    let config = ensemble().into_config().with_network_precision(NetworkPrecision::Int8).check().unwrap();
    let model = fit(config, &all);
    let file = ModelFile::new(&model).with_weights(&all).unwrap();
    assert_eq!(file.ranges().len(), 2);
    let loaded = load(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), None).unwrap();
    assert_eq!(loaded.score(input(&photo(3))).unwrap(), model.score(input(&photo(3))).unwrap());
}
