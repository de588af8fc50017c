//! What model files of this version hold, keep and refuse.

use std::sync::Arc;

use patchcore_config::{
    BankDtype, ImageScoreRule, LevelScaling, Mode, NetworkPrecision, Pad, Region, Resize, Size, Tiling, Weighting,
};
use patchcore_metrics::threshold::{Threshold, ThresholdOrigin, Thresholds};
use serde_json::{Value, json};

use super::banks::is_computed;
use super::container::{Container, computed_digest};
use super::tensor::{Tensor, Tensors};
use super::*;
use crate::backbone::test_networks::{Blocks, lite0};
use crate::good_quantiles::SHARES;
use crate::model_tests::{blocks_member, config, fit, input, lite0_member, photo};

fn blocks() -> PatchCore {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    fit(config(vec![blocks_member()], ImageScoreRule::Reweighted), &[blocks])
}

fn limit(value: f32) -> Option<Thresholds> {
    let threshold = Threshold { value, origin: ThresholdOrigin::Manual };
    Some(Thresholds { image: Some(threshold), ..Thresholds::default() })
}

/// What is done to a file's header and tensors.
type Change = dyn Fn(&mut Value, &mut Tensors);

/// The file after a change of its header and tensors, its digests made right.
pub(super) fn changed(bytes: &[u8], change: impl FnOnce(&mut Value, &mut Tensors)) -> Vec<u8> {
    let header = Container::read_header(bytes).unwrap();
    let Container { header, mut tensors, .. } = Container::read(bytes, header, FORMAT_VERSION).unwrap();
    let mut json: Value = serde_json::from_str(&header).unwrap();
    change(&mut json, &mut tensors);
    let header = json.to_string();
    let computed = computed_digest(&header, tensors.iter().filter(|(name, _)| is_computed(name))).unwrap();
    Container::write(header, tensors, computed).unwrap()
}

#[test]
fn a_file_names_what_a_reader_must_know() {
    let lite0 = || config(vec![lite0_member()], ImageScoreRule::Reweighted).into_config();
    let named = |config: patchcore_config::PatchCoreConfig| requires::requirements(&config.check().unwrap(), false);
    assert_eq!(named(lite0()), ["rules", "view", "whole_cells"]);
    assert_eq!(
        named(config(vec![blocks_member()], ImageScoreRule::Reweighted).into_config()),
        ["rules", "view", "own_network", "whole_cells"]
    );
    let mut all = lite0().with_members(vec![lite0_member(), blocks_member()]);
    let layers = ["block2", "block4"].map(str::to_owned).to_vec();
    let mut pooled = Mode::Paper.member(patchcore_config::Architecture::EFFICIENTNET_LITE0, layers);
    pooled.grid_layer = Some("block4".to_owned());
    (pooled.level_scaling, pooled.weighting) = (LevelScaling::EQUAL_VARIANCE, Weighting::GoodPatches);
    pooled.network_precision = NetworkPrecision::Int8;
    all.members[0] = pooled;
    all = all
        .with_image_score(ImageScoreRule::MaximumOfMapOfMeans)
        .with_bank_dtype(BankDtype::F16)
        .with_bank_rows(Some(7))
        .with_memory(Some(1 << 29))
        .with_full_scale(Some(4095));
    all.copies.light = vec![0.5];
    all.view.resize = Resize::Keep;
    // Both networks' cells: strides 8 and 16, 7 and 14.
    all.view.pad = Pad::ToMultiple(112);
    all.tiling = Tiling::Tiles { size: 336, overlap: 112 };
    let size = Size { width: 4, height: 2 };
    all.region = Some(Region::from_pixels(size, &[true, false, true, true, true, true, true, true]).unwrap());
    let names = requires::requirements(&all.check().unwrap(), true);
    // Of one network the weights have no name in front.
    let expected = REQUIREMENTS.map(|(name, _)| name).into_iter().filter(|name| *name != "embedded_weights");
    assert_eq!(names, expected.collect::<Vec<_>>());
    let names = requires::requirements(&lite0().check().unwrap(), true);
    assert_eq!(names.last().map(String::as_str), Some("embedded_weights"));
}

#[test]
fn what_a_newer_version_needs_is_refused_by_name() {
    let bytes = ModelFile::new(&blocks()).to_bytes().unwrap();
    let newer = changed(&bytes, |header, _| header["requires"] = json!(["rules", "view", "score_scale"]));
    let refused = ModelFile::from_bytes(&newer).unwrap_err();
    assert!(matches!(&refused, ModelFileError::Requires { names, .. } if names == &["score_scale"]), "{refused}");
    assert!(refused.to_string().contains("newer version"), "{refused}");
    let understood = |change: &Change| ModelFile::from_bytes(&changed(&bytes, change));
    let changes: [&Change; 4] = [
        &|header, _| header["config"]["whitening"] = json!(true),
        &|header, _| header["config"]["distance"] = json!("cosine"),
        &|header, _| header["whitening"] = json!(true),
        &|_, tensors| drop(tensors.insert("whitening".to_owned(), Tensor::of_bytes(vec![1]))),
    ];
    for change in changes {
        let refused = understood(change).unwrap_err();
        assert!(matches!(refused, ModelFileError::NotUnderstood { .. }), "{refused}");
    }
    assert!(understood(&|_, _| ()).is_ok());
}

#[test]
fn sections_of_a_newer_version_are_kept() {
    let mut file = ModelFile::new(&blocks());
    file.sections.thresholds = limit(3.5);
    let newer = changed(&file.to_bytes().unwrap(), |header, tensors| {
        header["sections"]["drawings"] = json!({"scale": 2, "unit": "mm"});
        tensors.insert("section.drawings.outline".to_owned(), Tensor::of_u64(&[1, 2, 3]));
        header["sections"]["fit"]["operator"] = json!("third shift");
    });
    let mut read = ModelFile::from_bytes(&newer).unwrap();
    // Nothing changed: the same bytes but for the order of keys, which this test's JSON has lost.
    assert_eq!(changed(&read.to_bytes().unwrap(), |_, _| ()), newer);
    // What changed is what was set.
    read.sections.thresholds = limit(4.5);
    let written = read.to_bytes().unwrap();
    let expected = changed(&newer, |header, _| header["sections"]["thresholds"]["image"]["value"] = json!(4.5));
    assert_eq!(changed(&written, |_, _| ()), expected);
    assert_eq!(ModelFile::from_bytes(&written).unwrap().sections.thresholds, limit(4.5));
    // A section that was taken out stays out.
    read.sections.thresholds = None;
    let without = read.to_bytes().unwrap();
    assert_eq!(ModelFile::from_bytes(&without).unwrap().sections.thresholds, None);
    let stray = changed(&newer, |_, tensors| drop(tensors.insert("section.nobody.x".to_owned(), Tensor::of_u64(&[]))));
    assert!(ModelFile::from_bytes(&stray).unwrap_err().to_string().contains("belongs to no section"));
}

#[test]
fn photos_come_back_with_any_bytes_of_a_path() {
    let path = |absolute: &[u8], relative: &[u8]| {
        Some(StoredPath { absolute: absolute.to_vec(), relative: relative.to_vec() })
    };
    let photos = vec![
        TrainingPhoto { name: "a".into(), path: path(b"/photos/\xff.png", b"../\xff.png"), sha256: Some([7; 32]) },
        TrainingPhoto { name: "photo 1".into(), path: None, sha256: None },
        TrainingPhoto { name: "b".into(), path: path(b"/b.png", b""), sha256: Some([9; 32]) },
    ];
    let mut file = ModelFile::new(&blocks());
    file.sections.weights_file = path(b"/weights/net.onnx", b"net.onnx");
    for photos in [photos.clone(), photos[1..2].to_vec(), Vec::new()] {
        file.sections.photos = photos;
        let read = ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
        let (read, file) = (&read.sections, &file.sections);
        assert_eq!((&read.photos, &read.weights_file), (&file.photos, &file.weights_file));
    }
    file.sections.photos = photos;
    let bytes = file.to_bytes().unwrap();
    let broken = changed(&bytes, |_, tensors| {
        tensors.insert("section.photos.absolute_ends".to_owned(), Tensor::of_u64(&[1, 99, 3]));
    });
    let refused = ModelFile::from_bytes(&broken).unwrap_err().to_string();
    assert!(refused.contains("section `photos`: `absolute_ends` point outside `absolute`"), "{refused}");
}

#[test]
fn the_digest_of_what_was_computed_names_the_model_alone() {
    let (lite0, rule) = (lite0(), ImageScoreRule::Reweighted);
    let model = fit(config(vec![lite0_member()], rule), std::slice::from_ref(&lite0));
    let file = ModelFile::new(&model);
    let digest = file.computed_sha256().unwrap();
    assert_eq!(digest.len(), 64);
    let mut noted = file.clone().with_weights(lite0.plan().unwrap().1).unwrap();
    noted.sections.provenance = Some(Provenance { host: Some("line 4".into()), ..Provenance::default() });
    noted.sections.thresholds = limit(1.0);
    assert_ne!(noted.to_bytes().unwrap(), file.to_bytes().unwrap());
    assert_eq!(noted.computed_sha256().unwrap(), digest);
    let read = ModelFile::from_bytes(&noted.to_bytes().unwrap()).unwrap();
    assert_eq!(read.computed_sha256().unwrap(), digest);
    assert_eq!(read.weights(), noted.weights());
    let other = fit(config(vec![lite0_member()], rule).into_config().with_seed(1).check().unwrap(), &[lite0]);
    assert_ne!(ModelFile::new(&other).computed_sha256().unwrap(), digest);

    // Another bank under a right checksum.
    let bytes = file.to_bytes().unwrap();
    let header = Container::read_header(&bytes).unwrap();
    let Container { header, mut tensors, .. } = Container::read(&bytes, header, FORMAT_VERSION).unwrap();
    let computed = computed_digest(&header, tensors.iter().filter(|(name, _)| is_computed(name))).unwrap();
    tensors.get_mut("memory_bank").unwrap().bytes[0] ^= 1;
    let forged = Container::write(header, tensors, computed).unwrap();
    assert!(matches!(ModelFile::from_bytes(&forged), Err(ModelFileError::Checksum { .. })));
    // What the fuzz target does to get past both digests.
    assert_eq!(ModelFile::resealed(&bytes).unwrap(), bytes);
    let resealed = ModelFile::from_bytes(&ModelFile::resealed(&forged).unwrap()).unwrap();
    assert_ne!(resealed.bank().rows()[0], file.bank().rows()[0]);
}

#[test]
fn weights_of_a_network_of_ones_own_are_refused() {
    let (model, weights) = (blocks(), lite0().plan().unwrap().1.clone());
    let refused = ModelFile::new(&model).with_weights(&weights).unwrap_err();
    assert_eq!(refused, ModelFileError::WeightsOfOwn { backbone: "blocks".to_owned() });
}

/// Each photo against the model without it, scored the long way.
#[test]
fn quantiles_of_good_are_leave_one_out_and_travel_with_the_file() {
    let model = blocks();
    let (mut patches, mut pixels) = (Vec::new(), Vec::new());
    for image in 0..3 {
        let score = model.without_image(image).unwrap().score(input(&photo(u64::from(image)))).unwrap();
        patches.extend(score.patch_scores);
        pixels.extend(score.map.scores);
    }
    let found = model.good_quantiles().unwrap();
    assert_eq!((found.photos, found.shares.as_slice()), (3, SHARES.as_slice()));
    for (found, mut expected) in [(&found.patches, patches), (&found.pixels, pixels)] {
        expected.sort_unstable_by(f32::total_cmp);
        let rank = |share: f64| ((expected.len() as f64 * share).ceil() as usize).max(1) - 1;
        assert_eq!(*found, SHARES.map(|share| expected[rank(share)]));
    }
    let read = ModelFile::from_bytes(&ModelFile::new(&model).to_bytes().unwrap()).unwrap();
    assert_eq!(read.sections.good_quantiles.as_ref(), model.good_quantiles());
    let again: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let loaded = read.into_model_with(&[again], &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
    assert_eq!(loaded.good_quantiles(), model.good_quantiles());
    // One photo: nothing is left without it.
    let alone: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let config = config(vec![blocks_member()], ImageScoreRule::Reweighted);
    let mut fitter = crate::Fitter::with_backbones(config, &[alone], &ComputeDevice::cpu()).unwrap();
    fitter.add(input(&photo(0))).unwrap();
    assert_eq!(fitter.finish(&mut |_, _| true).unwrap().good_quantiles(), None);
}
