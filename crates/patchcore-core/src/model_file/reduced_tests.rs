//! Models of int8 from the first pass to the file and back: the same bits in every set of instructions, and what is refused.

use std::sync::Arc;

use patchcore_config::backbone::ActivationRanges;
use patchcore_config::backbone::plan::{Activation, Plan};
use patchcore_config::{
    BackboneWeights, Checked, Copies, ImageScoreRule, LevelScaling, MemberConfig, Mode, NETWORK_PRECISIONS,
    NetworkPrecision, Pad, Resize, Tiling, Turned, Weighting,
};
use safetensors::tensor::Dtype;

use super::tensor::Tensor;
use super::tests::changed;
use super::*;
use crate::backbone::test_networks::{lite0, lite0_of, lite0_weights as weights};
use crate::backbone::{Level, LevelMap, Reduction};
use crate::device::{ComputeDevice, Instructions, PRECISIONS, Precision};
use crate::error::{BackboneError, EngineError, FitError};
use crate::model_tests::{SIDE, config, input, lite0_member, photo};
use crate::network_group::check_precisions;
use crate::test_threads::with_threads;
use crate::{Fitter, ImageInput, ImageScore, RangeSurvey};

fn int8(mut member: MemberConfig) -> MemberConfig {
    member.network_precision = NetworkPrecision::Int8;
    member
}

/// Two members that share a network of int8.
fn shared() -> Checked {
    let layers = ["block2", "block4", "block7"].map(str::to_owned).to_vec();
    let mut second = Mode::Paper.member(patchcore_config::Architecture::EFFICIENTNET_LITE0, layers);
    second.grid_layer = Some("block4".to_owned());
    (second.level_scaling, second.weighting) = (LevelScaling::EQUAL_VARIANCE, Weighting::GoodPatches);
    config(vec![int8(lite0_member()), int8(second)], ImageScoreRule::MaximumOfMap)
}

fn survey(config: &Checked, device: &ComputeDevice, photos: &[Vec<f32>]) -> Vec<ActivationRanges> {
    let mut survey = RangeSurvey::new(config.clone(), &weights(), device).unwrap();
    photos.iter().for_each(|photo| survey.add(input(photo)).unwrap());
    survey.finish().unwrap()
}

fn fit_on(config: &Checked, device: &ComputeDevice) -> PatchCore {
    let photos: Vec<_> = (0..3).map(photo).collect();
    let ranges = survey(config, device, &photos);
    let mut fitter = Fitter::with_ranges(config.clone(), &weights(), &ranges, device).unwrap();
    photos.iter().for_each(|photo| fitter.add(input(photo)).unwrap());
    fitter.finish(&mut |_, _| true).unwrap()
}

fn fit(config: &Checked) -> PatchCore {
    fit_on(config, &ComputeDevice::cpu())
}

fn one() -> Checked {
    config(vec![int8(lite0_member())], ImageScoreRule::Reweighted)
}

/// Photos that a fit has not seen: one more, one far brighter than any, constant ones, and a grey one.
fn unseen() -> Vec<Vec<f32>> {
    let bright = photo(9).iter().map(|value| (value * 2.5).min(1.0)).collect();
    let grey = photo(5).into_iter().take(SIDE * SIDE).collect();
    vec![photo(7), bright, vec![0.0; 3 * SIDE * SIDE], vec![1.0; 3 * SIDE * SIDE], grey]
}

fn scores(model: &PatchCore) -> Vec<ImageScore> {
    unseen().iter().map(|photo| model.score(input(photo)).unwrap()).collect()
}

#[test]
fn a_model_of_int8_comes_back_from_its_file_and_scores_the_same() {
    for config in [one(), shared()] {
        let model = fit(&config);
        assert_eq!(model.extractor().ranges().len(), 1);
        let expected = scores(&model);
        assert!(expected.iter().all(|score| score.score.is_finite()));
        let file = ModelFile::new(&model).with_weights(&weights()).unwrap();
        assert!(file.header.requires.contains(&"network_precision".to_owned()));
        let bytes = file.to_bytes().unwrap();
        let read = ModelFile::from_bytes(&bytes).unwrap();
        assert!(read.to_bytes().unwrap() == bytes, "written again it is another file");
        assert_eq!(read.computed_sha256(), file.computed_sha256());
        assert_eq!(read.ranges(), model.extractor().ranges());
        let loaded = read.into_model(None, &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
        assert_eq!(loaded.drift().map(|drift| drift.worst()), Some(0.0));
        assert_eq!(scores(&loaded), expected);
    }
}

#[test]
fn every_set_of_instructions_and_number_of_threads_gives_the_same_model_and_scores() {
    let mut expected = None;
    for instructions in Instructions::available() {
        for threads in [1, 2] {
            let device = ComputeDevice::cpu().with_instructions(instructions).unwrap();
            let run = || {
                let model = fit_on(&shared(), &device);
                (ModelFile::new(&model).to_bytes().unwrap(), scores(&model))
            };
            let (bytes, scores) = with_threads(threads, run);
            let (model, of_model) = expected.get_or_insert_with(|| (bytes.clone(), scores.clone()));
            assert!(*model == bytes, "{instructions:?}, {threads} threads: another file");
            assert_eq!(*of_model, scores, "{instructions:?}, {threads} threads");
        }
    }
}

#[test]
fn the_fit_sees_in_the_first_pass_what_it_fits() {
    let ranges = |config: &Checked, photos: &[Vec<f32>]| survey(config, &ComputeDevice::cpu(), photos).remove(0);
    let (dark, bright) = (vec![0.2; 3 * SIDE * SIDE], photo(1));
    let of_dark = ranges(&one(), std::slice::from_ref(&dark));
    let of_both = ranges(&one(), &[dark.clone(), bright.clone()]);
    assert_ne!(of_dark, of_both);
    assert_eq!(of_both, ranges(&one(), &[bright.clone(), dark]), "the order of photos is of no account");
    let wider = |slot: usize| {
        let of = |ranges: &ActivationRanges| ranges.slots[slot].high.clone();
        of(&of_both).into_iter().zip(of(&of_dark)).filter(|(both, dark)| both > dark).count()
    };
    assert_eq!(wider(0), 0, "the image's range is that of its pixels");
    assert!((1..of_both.slots.len()).any(|slot| wider(slot) > 0), "the brighter photo's maps are in the ranges");
    // Copies, tiles and a region.
    let copied = one().into_config().with_copies(Copies { light: vec![0.3], turned: Turned::No }).check().unwrap();
    let darker: Vec<f32> = bright.iter().map(|value| value * 0.3).collect();
    let both = [bright.clone(), darker];
    assert_eq!(ranges(&copied, &both[..1]), ranges(&one(), &both));
    let mut tiled = one().into_config();
    (tiled.view.resize, tiled.view.pad) = (Resize::Keep, Pad::ToMultiple(16));
    tiled.tiling = Tiling::Tiles { size: 64, overlap: 32 };
    let tiled = tiled.check().unwrap();
    let within = |config: &Checked, inside: &[bool]| {
        let mut survey = RangeSurvey::new(config.clone(), &weights(), &ComputeDevice::cpu()).unwrap();
        survey.add_within(ImageInput { width: SIDE, height: SIDE, pixels: &bright }, Some(inside)).unwrap();
        survey.finish().unwrap().remove(0)
    };
    let corner: Vec<bool> = (0..SIDE * SIDE).map(|at| at / SIDE < 8 && at % SIDE < 8).collect();
    assert_ne!(
        within(&tiled, &corner),
        within(&tiled, &vec![true; SIDE * SIDE]),
        "a tile without a cell is not looked at"
    );
}

#[test]
fn a_fit_without_the_first_pass_and_ranges_of_another_network_are_refused() {
    let device = ComputeDevice::cpu();
    let refused = Fitter::new(one(), &weights(), &device).unwrap_err();
    assert!(
        matches!(refused, FitError::Backbone(BackboneError::NotOneRangesEach { found: 0, networks: 1 })),
        "{refused}"
    );
    let other = config(
        vec![int8(Mode::Paper.member(patchcore_config::Architecture::EFFICIENTNET_LITE0, vec!["block4".to_owned()]))],
        ImageScoreRule::Reweighted,
    );
    let ranges = survey(&other, &device, &[photo(0)]);
    let refused = Fitter::with_ranges(one(), &weights(), &ranges, &device).unwrap_err();
    assert!(matches!(refused, FitError::Backbone(BackboneError::Ranges(_))), "{refused}");
    let f32 = config(vec![lite0_member()], ImageScoreRule::Reweighted);
    assert!(Fitter::with_ranges(f32.clone(), &weights(), &ranges, &device).is_err());
    // No photo, and no network to look at.
    let nothing = RangeSurvey::new(one(), &weights(), &device).unwrap();
    assert!(matches!(nothing.finish(), Err(FitError::NoImages)));
    assert_eq!(RangeSurvey::new(f32, &weights(), &device).unwrap().finish(), Ok(Vec::new()));
    // Networks of the caller's: with more layers than the members tap, and given twice.
    let more: Arc<dyn Backbone> = lite0_of(&["block2", "block4", "block7"]);
    let refused = RangeSurvey::with_backbones(one(), &[more], &device).unwrap_err();
    assert!(matches!(refused, FitError::Backbone(BackboneError::OtherPlan { .. })), "{refused}");
    let twice: Vec<Arc<dyn Backbone>> = (0..2).map(|_| lite0_of(&["block2", "block4", "block7"])).collect();
    let refused = RangeSurvey::with_backbones(shared(), &twice, &device).unwrap_err();
    assert!(matches!(refused, FitError::Backbone(BackboneError::NotShared { .. })), "{refused}");
}

/// A network of the caller's that says it computes in bf16 already.
#[derive(Debug)]
struct Reduced(Arc<dyn Backbone>);

impl Backbone for Reduced {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn sha256(&self) -> &str {
        self.0.sha256()
    }

    fn levels(&self) -> &[Level] {
        self.0.levels()
    }

    fn forward(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<LevelMap>, BackboneError> {
        self.0.forward(planes, height, width)
    }

    fn plan(&self) -> Option<(&Plan, &BackboneWeights)> {
        self.0.plan()
    }

    fn reduction(&self) -> Option<Reduction<'_>> {
        Some(Reduction::Bf16)
    }
}

#[test]
fn a_network_that_is_reduced_already_is_refused_whatever_the_configuration_says() {
    for precision in NETWORK_PRECISIONS {
        let mut member = lite0_member();
        member.network_precision = precision;
        let config = config(vec![member], ImageScoreRule::Reweighted);
        let ranges = match precision.has_ranges() {
            true => survey(&config, &ComputeDevice::cpu(), &[photo(0)]),
            false => Vec::new(),
        };
        let reduced: Arc<dyn Backbone> = Arc::new(Reduced(lite0()));
        let made = Extractor::with_backbones_and_ranges(config, &[reduced], &ranges, &ComputeDevice::cpu());
        let refused = made.unwrap_err();
        assert!(matches!(refused, EngineError::Backbone(BackboneError::AlreadyReduced { .. })), "{refused}");
    }
}

#[test]
fn photos_that_give_no_finite_values_give_no_ranges_and_the_error_says_what_to_look_at() {
    let mut wrong = weights();
    let backbone = lite0();
    let (plan, _) = backbone.plan().unwrap();
    // One whose values no ReLU6 bounds.
    let conv = plan.convolutions().find(|conv| conv.activation == Activation::Identity).unwrap();
    wrong.tensors.get_mut(&conv.weight_name()).unwrap().data.fill(f32::MAX);
    let mut survey = RangeSurvey::new(one(), &wrong, &ComputeDevice::cpu()).unwrap();
    survey.add(input(&photo(0))).unwrap();
    let refused = survey.finish().unwrap_err();
    assert!(matches!(refused, FitError::Backbone(BackboneError::NoRanges { .. })), "{refused}");
    assert!(refused.to_string().contains("its weights or a photo hold values that are not finite"), "{refused}");
}

#[test]
fn members_of_other_number_formats_are_other_networks_of_the_same_weights() {
    let mut mixed = shared().into_config();
    mixed.members[0].network_precision = NetworkPrecision::F32;
    let model = fit(&mixed.check().unwrap());
    let networks: Vec<_> = model.extractor().networks().collect();
    assert_eq!((networks.len(), networks[0]), (2, networks[1]));
    let file = ModelFile::new(&model).with_weights(&weights()).unwrap();
    assert!(file.header.is_of("efficientnet_lite0", &weights()));
    let read = ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
    let loaded = read.into_model(None, &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
    assert_eq!(scores(&loaded), scores(&model));
}

#[test]
fn a_device_with_a_number_format_of_its_own_is_refused_by_both_names() {
    let f32 = config(vec![lite0_member()], ImageScoreRule::Reweighted);
    let file = ModelFile::new(&fit(&shared()));
    assert_eq!(file.check_precision(Precision::F32).map_err(|error| error.to_string()), Ok(()));
    for precision in PRECISIONS {
        assert_eq!(check_precisions(&f32, precision), Ok(()));
        let checked = check_precisions(&shared(), precision);
        if precision == Precision::F32 {
            assert_eq!(checked, Ok(()));
        } else {
            let said = checked.unwrap_err().to_string();
            // Of a file that is known before any device is opened.
            let of_file = file.check_precision(precision).unwrap_err();
            assert!(matches!(of_file, ModelFileError::Backbone(BackboneError::TwoPrecisions { .. })), "{of_file}");
            assert!(said.contains("int8") && said.contains(precision.name()), "{said}");
        }
    }
}

/// What happens to the tensor of the ranges.
type Spoil = fn(&mut Tensor);

#[test]
fn ranges_that_are_missing_or_damaged_are_refused() {
    let bytes = ModelFile::new(&fit(&one())).to_bytes().unwrap();
    let refused = |spoil: &dyn Fn(&mut super::tensor::Tensors)| {
        ModelFile::from_bytes(&changed(&bytes, |_, tensors| spoil(tensors))).unwrap_err().to_string()
    };
    let missing = refused(&|tensors| drop(tensors.remove("activation_ranges")));
    assert!(missing.contains("no tensor `activation_ranges`, and its network is of int8"), "{missing}");
    fn put(tensor: &mut Tensor, at: usize, value: f32) {
        tensor.bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
    }
    assert!(missing.contains("fit again, or copy the file again"), "{missing}");
    let cases: [(&str, Spoil); 8] = [
        ("has shape", |tensor| tensor.shape = vec![tensor.shape[0] * 2, 1]),
        ("has dtype U32, expected F32", |tensor| tensor.dtype = Dtype::U32),
        ("the range of channel 4 of map 1 (convolution `", |tensor| put(tensor, 2 * (3 + 4) + 1, f32::NAN)),
        ("the range of channel 4 of map 1 (convolution `", |tensor| put(tensor, 2 * (3 + 4) + 1, f32::INFINITY)),
        ("the range of channel 4 of map 1 (convolution `", |tensor| put(tensor, 2 * (3 + 4), 1.0)),
        ("the range of channel 0 of map 0 (the image) is", |tensor| (put(tensor, 0, 0.0), put(tensor, 1, 0.0)).0),
        ("the range of the image is not what the configuration's normalization gives", |tensor| put(tensor, 1, 9.0)),
        ("expected finite values with 0 in between; fit again", |tensor| put(tensor, 2 * (3 + 4) + 1, f32::NAN)),
    ];
    for (expected, spoil) in cases {
        let message = refused(&|tensors| spoil(tensors.get_mut("activation_ranges").unwrap()));
        assert!(message.contains(expected), "{expected}: {message}");
    }
    // A second network's, and those of a model that has none.
    let of_more = refused(&|tensors| {
        tensors.insert("activation_ranges.1".to_owned(), tensors["activation_ranges"].clone());
    });
    assert!(of_more.contains("activation_ranges.1"), "{of_more}");
    let f32 = crate::model_tests::fit(config(vec![lite0_member()], ImageScoreRule::Reweighted), &[lite0()]);
    let of_f32 = changed(&ModelFile::new(&f32).to_bytes().unwrap(), |_, tensors| {
        tensors.insert("activation_ranges".to_owned(), Tensor::of_f32(vec![1, 2], &[0.0, 1.0]));
    });
    assert!(matches!(ModelFile::from_bytes(&of_f32), Err(ModelFileError::NotUnderstood { .. })));
}

#[test]
fn ranges_that_were_altered_are_refused() {
    let bytes = ModelFile::new(&fit(&one())).to_bytes().unwrap();
    let wider = |tensors: &mut super::tensor::Tensors| {
        let tensor = tensors.get_mut("activation_ranges").unwrap();
        let mut values = tensor.f32_values("activation_ranges").unwrap();
        values.iter_mut().skip(6).for_each(|value| *value *= 1.5);
        *tensor = Tensor::of_f32(tensor.shape.clone(), &values);
    };
    // A byte of the file: its digest.
    let resealed = changed(&bytes, |_, tensors| wider(tensors));
    let at = bytes.iter().zip(&resealed).rposition(|(one, other)| one != other).unwrap();
    let mut damaged = bytes.clone();
    damaged[at] ^= 1;
    assert!(matches!(ModelFile::from_bytes(&damaged), Err(ModelFileError::Checksum { .. })));
    // With its digests made right: its passport.
    let file = ModelFile::from_bytes(&resealed).unwrap();
    let refused = file.into_model(Some((&weights()).into()), &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap_err();
    assert!(matches!(refused, ModelFileError::Drift { tolerance, .. } if tolerance == 1e-4), "{refused}");
}

/// By the rule for every name: a reader that does not know it refuses the file.
#[test]
fn a_reader_that_does_not_know_the_number_format_refuses_the_file() {
    let bytes = ModelFile::new(&fit(&one())).to_bytes().unwrap();
    let later = changed(&bytes, |header, _| {
        for name in header["requires"].as_array_mut().unwrap() {
            if name == "network_precision" {
                *name = serde_json::json!("network_precision_of_a_later_version");
            }
        }
    });
    let refused = ModelFile::from_bytes(&later).unwrap_err();
    let expected = "network_precision_of_a_later_version";
    assert!(matches!(&refused, ModelFileError::Requires { names, .. } if names == &[expected]), "{refused}");
    let unknown = changed(&bytes, |header, _| header["config"]["members"][0]["network_precision"] = "int4".into());
    assert!(matches!(ModelFile::from_bytes(&unknown), Err(ModelFileError::NotUnderstood { .. })));
    // A model of f32 says nothing of it.
    let f32 = config(vec![lite0_member()], ImageScoreRule::Reweighted);
    let f32 = crate::model_tests::fit(f32, &[lite0()]);
    let bytes = ModelFile::new(&f32).to_bytes().unwrap();
    for word in ["network_precision", "activation_ranges"] {
        assert!(!bytes.windows(word.len()).any(|bytes| bytes == word.as_bytes()), "{word}");
    }
}
