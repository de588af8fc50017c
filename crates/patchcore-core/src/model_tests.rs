//! Whole models on the CPU: an application's own network, one with a step that the CPU's engine lacks, several members, and the
//! rules that join them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use patchcore_config::{
    Checked, ConfigError, Copies, ImageScoreRule, MemberConfig, Mode, Network, OwnLevel, OwnNetwork, Pad, Resize,
    Tiling, Turned,
};

use crate::backbone::test_networks::{Blocks, Grouped, lite0, lite0_of, lite0_weights, values};
use crate::backbone::{Backbone, Level};
use crate::device::ComputeDevice;
use crate::engine::Oracle;
use crate::error::{BackboneError, FitError, ModelFileError};
use crate::extractor::Extractor;
use crate::model_file::{DriftPolicy, ModelFile};
use crate::{Fitter, ImageInput, ImageScore, PatchCore};

pub(crate) const SIDE: usize = 84;

pub(crate) fn photo(seed: u64) -> Vec<f32> {
    let texture = values(3 * SIDE * SIDE, 1);
    let noise = values(3 * SIDE * SIDE, 100 + seed);
    texture.iter().zip(noise).map(|(texture, noise)| 0.5 + 0.3 * texture + 0.05 * noise).collect()
}

/// A photo of the fit with something else in one corner.
fn defect() -> Vec<f32> {
    let mut pixels = photo(0);
    for (place, value) in pixels.iter_mut().enumerate() {
        let (y, x) = (place / SIDE % SIDE, place % SIDE);
        if (50..64).contains(&y) && (20..34).contains(&x) {
            *value = 0.95;
        }
    }
    pixels
}

pub(crate) fn input(pixels: &[f32]) -> ImageInput<'_> {
    ImageInput { width: SIDE, height: SIDE, pixels }
}

/// What a configuration says of a network.
pub(crate) fn network_of(backbone: &dyn Backbone) -> Network {
    let level = |level: &Level| OwnLevel { name: level.name.clone(), channels: level.channels, stride: level.stride };
    OwnNetwork { name: backbone.name().to_owned(), levels: backbone.levels().iter().map(level).collect() }.into()
}

pub(crate) fn blocks_member() -> MemberConfig {
    let network = network_of(&Blocks::new());
    let layers = network.default_layers();
    Mode::Paper.member(network, layers)
}

pub(crate) fn lite0_member() -> MemberConfig {
    let layers = ["block4", "block7"].map(str::to_owned).to_vec();
    Mode::Paper.member(patchcore_config::Architecture::from_name("efficientnet_lite0").unwrap(), layers)
}

pub(crate) fn config(members: Vec<MemberConfig>, rule: ImageScoreRule) -> Checked {
    let mut config = Mode::Paper.config(network_of(&Blocks::new())).with_members(members);
    config.view.sizes = config.usual_sizes();
    config.with_coreset_sampling_ratio(0.5).with_image_score(rule).check().unwrap()
}

pub(crate) fn fit(config: Checked, backbones: &[Arc<dyn Backbone>]) -> PatchCore {
    let mut fitter = Fitter::with_backbones(config, backbones, &ComputeDevice::cpu()).unwrap();
    for seed in 0..3 {
        fitter.add(input(&photo(seed))).unwrap();
    }
    fitter.finish(&mut |_, _| true).unwrap()
}

/// Row and column of a map's largest value.
fn peak(score: &ImageScore) -> (usize, usize) {
    let map = &score.map;
    let largest = map.max();
    let at = map.scores.iter().position(|score| *score == largest).unwrap();
    (at / map.width, at % map.width)
}

fn assert_on_defect(score: &ImageScore) {
    let (y, x) = peak(score);
    assert!((46..68).contains(&y) && (16..38).contains(&x), "{y} {x}");
}

#[test]
fn an_own_network_without_a_plan_fits_saves_loads_and_scores() {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let model = fit(config(vec![blocks_member()], ImageScoreRule::Reweighted), std::slice::from_ref(&blocks));
    let (defect, good) = (model.score(input(&defect())).unwrap(), model.score(input(&photo(1))).unwrap());
    assert!(defect.score > 2.0 * good.score, "{} {}", defect.score, good.score);
    assert_on_defect(&defect);
    assert_eq!((defect.grid.rows, defect.grid.columns), (12, 12));

    let bytes = ModelFile::new(&model).to_bytes().unwrap();
    let file = ModelFile::from_bytes(&bytes).unwrap();
    assert_eq!(file.header.config.first().backbone.name(), "blocks");
    let device = ComputeDevice::cpu();
    let again: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let loaded = file.clone().into_model_with(&[again], &device, DriftPolicy::Refuse).unwrap();
    assert_eq!(loaded.score(input(&self::defect())).unwrap(), defect);

    let other: Arc<dyn Backbone> = Arc::new(Renamed { name: "blocks", digest: "1".repeat(64), blocks: Blocks::new() });
    let refused = file.clone().into_model_with(&[other], &device, DriftPolicy::Refuse).unwrap_err();
    assert!(matches!(refused, ModelFileError::OtherWeights { .. }), "{refused}");
    let refused = file.into_model_with(&[lite0()], &device, DriftPolicy::Refuse).unwrap_err();
    assert!(matches!(refused, ModelFileError::Backbone(BackboneError::OtherNetwork { .. })), "{refused}");
}

/// Another engine does what the CPU's lacks, says so, and computes what the definitions say.
#[test]
fn a_step_that_the_engine_lacks_is_done_by_another_which_is_named() {
    let grouped: Arc<dyn Backbone> = Arc::new(Grouped::unsupported());
    let network = network_of(grouped.as_ref());
    let layers = network.default_layers();
    let config = config(vec![Mode::Paper.member(network, layers)], ImageScoreRule::Reweighted);
    let networks = std::slice::from_ref(&grouped);
    let model = fit(config.clone(), networks);
    let said: Vec<String> = model.fallbacks().map(ToString::to_string).collect();
    let instead = if cfg!(feature = "flex") { "tensors" } else { "oracle" };
    let expected =
        format!("the engine `cpu` cannot run the convolution `grouped`: `{instead}` computes the features, slower");
    assert_eq!(said, [expected]);
    assert_on_defect(&model.score(input(&defect())).unwrap());

    let device = ComputeDevice::cpu();
    let literal = Extractor::on_engine(config, networks, &[], &device, Arc::new(Oracle)).unwrap();
    assert_eq!(literal.fallbacks().count(), 0);
    let (expected, expected_grid) = literal.embed_to_host(input(&defect())).unwrap();
    let (found, grid) = model.extractor().embed_to_host(input(&defect())).unwrap();
    assert_eq!((grid, found.len()), (expected_grid, expected.len()));
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-5 * largest, "{found} {expected}");
    }
    // A network that the CPU runs itself has nothing to say.
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let own = fit(self::config(vec![blocks_member()], ImageScoreRule::Reweighted), std::slice::from_ref(&blocks));
    assert_eq!(own.fallbacks().count(), 0);
}

/// [`Blocks`] by another name and digest.
#[derive(Debug)]
struct Renamed {
    name: &'static str,
    digest: String,
    blocks: Blocks,
}

impl Backbone for Renamed {
    fn name(&self) -> &str {
        self.name
    }

    fn sha256(&self) -> &str {
        &self.digest
    }

    fn levels(&self) -> &[Level] {
        self.blocks.levels()
    }

    fn forward(
        &self,
        planes: &[f32],
        height: usize,
        width: usize,
    ) -> Result<Vec<crate::backbone::LevelMap>, BackboneError> {
        self.blocks.forward(planes, height, width)
    }
}

#[test]
fn the_same_network_twice_gives_the_map_of_one_and_runs_once() {
    let blocks = Arc::new(Blocks::new());
    let shared: Arc<dyn Backbone> = blocks.clone();
    let one = fit(config(vec![blocks_member()], ImageScoreRule::MaximumOfMap), std::slice::from_ref(&shared));
    let mut heavier = blocks_member();
    heavier.weight = 3.0;
    let members = vec![blocks_member(), heavier];
    let two = fit(config(members, ImageScoreRule::MaximumOfMap), &[shared.clone(), shared]);
    assert_eq!(two.members().len(), 2);
    assert_eq!(two.members()[0].bank(), two.members()[1].bank());
    for pixels in [defect(), photo(2)] {
        let before = blocks.forwards.load(Ordering::Relaxed);
        let single = one.score(input(&pixels)).unwrap();
        assert_eq!(blocks.forwards.load(Ordering::Relaxed), before + 1);
        let joint = two.score(input(&pixels)).unwrap();
        assert_eq!(blocks.forwards.load(Ordering::Relaxed), before + 2, "the shared network runs once");
        for (joint, single) in joint.map.scores.iter().zip(&single.map.scores) {
            assert!((joint - single).abs() <= 1e-5 * (1.0 + single.abs()), "{joint} {single}");
        }
        assert!((joint.score - single.score).abs() <= 1e-5 * (1.0 + single.score), "{} {}", joint.score, single.score);
        assert_eq!((joint.member, single.member), (1, 0), "the heavier member decides");
        assert_eq!((joint.worst_cell, &joint.nearest), (single.worst_cell, &single.nearest));
    }
}

/// Two networks with other grids (strides 7 and 8), in parts of a photo and from a file.
#[test]
fn two_networks_meet_in_the_inputs_geometry() {
    let backbones: [Arc<dyn Backbone>; 2] = [Arc::new(Blocks::new()), lite0()];
    let rule = ImageScoreRule::MaximumOfMap;
    let both = fit(config(vec![blocks_member(), lite0_member()], rule), &backbones);
    let alone = [blocks_member(), lite0_member()].into_iter().zip(&backbones);
    let alone: Vec<PatchCore> =
        alone.map(|(member, backbone)| fit(config(vec![member], rule), std::slice::from_ref(backbone))).collect();
    // The lower left half of the photo.
    let inside: Vec<bool> = (0..SIDE * SIDE).map(|at| at / SIDE > at % SIDE).collect();
    let pixels = defect();
    for inside in [None, Some(inside.as_slice())] {
        let joint = both.score_within(input(&pixels), inside).unwrap();
        let single: Vec<ImageScore> =
            alone.iter().map(|model| model.score_within(input(&pixels), inside).unwrap()).collect();
        for (pixel, joint) in joint.map.scores.iter().enumerate() {
            let mean = (single[0].map.scores[pixel] + single[1].map.scores[pixel]) / 2.0;
            assert!((joint - mean).abs() <= 1e-5 * (1.0 + mean), "{pixel}: {joint} {mean}");
            assert!(inside.is_none_or(|inside| inside[pixel]) || *joint == 0.0, "{pixel} is outside");
        }
        assert_eq!(joint.score, joint.map.max());
        assert_on_defect(&joint);
        let reported = &single[joint.member];
        assert_eq!((joint.grid, &joint.patch_scores), (reported.grid, &reported.patch_scores));
    }
    let bytes = ModelFile::new(&both).to_bytes().unwrap();
    let loaded = ModelFile::from_bytes(&bytes).unwrap();
    let loaded = loaded.into_model_with(&backbones, &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
    assert_eq!(loaded.score(input(&pixels)).unwrap(), both.score(input(&pixels)).unwrap());
    assert!(both.without_image(1).unwrap().score(input(&pixels)).is_ok());
}

/// Tiles of whole cells: the assembled map is that of the whole photo, for a network that sees no further than a cell's block.
#[test]
fn tiles_and_padding_are_decided_once_for_all_members() {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    // The deeper level, mixed bilinearly, would see further than the tiles' context.
    let mut fine = blocks_member();
    fine.layers = vec!["fine".to_owned()];
    let whole = config(vec![fine.clone(), fine], ImageScoreRule::MaximumOfMap).into_config();
    let mut padded = whole.clone();
    padded.view.resize = Resize::Keep;
    padded.view.pad = Pad::ToMultiple(14);
    let tiled = padded.clone().with_tiling(Tiling::Tiles { size: 56, overlap: 28 });
    let backbones = [blocks.clone(), blocks];
    let (padded, tiled) = (fit(padded.check().unwrap(), &backbones), fit(tiled.check().unwrap(), &backbones));
    let pixels = defect();
    let (whole, tiles) = (padded.score(input(&pixels)).unwrap(), tiled.score(input(&pixels)).unwrap());
    for (tiles, whole) in tiles.map.scores.iter().zip(&whole.map.scores) {
        assert!((tiles - whole).abs() <= 1e-5 * (1.0 + whole.abs()), "{tiles} {whole}");
    }
    assert_eq!(tiles.worst_cell, whole.worst_cell);
}

#[test]
fn members_and_networks_that_do_not_match_are_refused() {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let two = config(vec![blocks_member(), blocks_member()], ImageScoreRule::MaximumOfMap);
    let device = ComputeDevice::cpu();
    let refused = Fitter::with_backbones(two, std::slice::from_ref(&blocks), &device).unwrap_err();
    assert_eq!(refused, FitError::Backbone(BackboneError::NotOnePerMember { found: 1, members: 2 }));
    let one = config(vec![blocks_member()], ImageScoreRule::Reweighted);
    let refused = Fitter::with_backbones(one.clone(), &[lite0()], &device).unwrap_err();
    assert!(refused.to_string().contains("efficientnet_lite0 was given for a member of blocks"), "{refused}");
    let mut wider = blocks_member();
    let Network::Own(own) = &mut wider.backbone else { panic!("an own network") };
    own.levels[1].channels = 6;
    let refused = Fitter::with_backbones(config(vec![wider], ImageScoreRule::Reweighted), &[blocks], &device);
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("level `coarse` of the network blocks has 5 channels at stride 14"), "{message}");
    let weights = patchcore_config::BackboneWeights::default();
    let refused = PatchCore::with_bank(two_of_lite0(), &lite0_weights(), vec![0.0; 160], &device).unwrap_err();
    assert_eq!(refused, FitError::OneBank { members: 2 });
    let refused = Fitter::new(one, &weights, &device).unwrap_err();
    assert!(refused.to_string().contains("the network blocks is an application's own"), "{refused}");
}

fn two_of_lite0() -> Checked {
    config(vec![lite0_member(), lite0_member()], ImageScoreRule::MaximumOfMap)
}

#[test]
fn several_members_score_by_their_map() {
    let several = Mode::Paper.config(network_of(&Blocks::new())).with_members(vec![blocks_member(), blocks_member()]);
    let refused = several.check().unwrap_err();
    assert!(matches!(refused, ConfigError::OutOfRange { parameter: "image_score", .. }), "{refused}");
}

#[test]
fn nothing_inside_is_refused_for_every_number_of_members() {
    let blocks: Arc<dyn Backbone> = Arc::new(Blocks::new());
    let model =
        fit(config(vec![blocks_member(), blocks_member()], ImageScoreRule::MaximumOfMap), &[blocks.clone(), blocks]);
    let refused = model.score_within(input(&photo(0)), Some(&vec![false; SIDE * SIDE])).unwrap_err();
    assert!(refused.to_string().contains("no pixel"), "{refused}");
}

const LINE_LAYERS: [&str; 3] = ["block2", "block4", "block7"];

/// The members of mode `line` over the shipped network.
fn line_members() -> Vec<MemberConfig> {
    let layers = ["block4", "block7"].map(str::to_owned).to_vec();
    Mode::Line.members(patchcore_config::Architecture::EFFICIENTNET_LITE0, layers)
}

#[test]
fn a_fit_in_mode_line_measures_scales_and_weights_and_its_map_is_the_members_mean() {
    let network = lite0_of(&LINE_LAYERS);
    let model = fit(config(line_members(), ImageScoreRule::MaximumOfMap), &[network.clone(), network]);
    let [first, second] = model.config().members.as_slice() else { panic!("two members") };
    assert!(first.level_scaling.is_none());
    assert_eq!(second.level_scaling.factors().len(), 3);
    assert!(second.level_scaling.factors().iter().any(|factor| (factor - 1.0).abs() > 0.1));
    // Scores of the members that the bank does not know, times the weights, are one number; the weights' mean is 1.
    assert!((first.weight + second.weight - 2.0).abs() < 1e-6 && first.weight != second.weight);
    let shapes: Vec<usize> = model.members().iter().map(|member| member.bank().dim()).collect();
    assert_eq!(shapes, [120, 144]);

    // The joint map from each member's own model.
    let found = model.score(input(&defect())).unwrap();
    let alone = |number: usize| {
        let banks = vec![model.members()[number].bank().clone()];
        let member = model.config().members[number].clone();
        let config = model.config().clone().into_config().with_members(vec![member]).check().unwrap();
        let extractor = Extractor::with_backbones(config, &[lite0_of(&LINE_LAYERS)], &ComputeDevice::cpu()).unwrap();
        PatchCore::new(extractor, banks, model.fitted_on()).unwrap().score(input(&defect())).unwrap()
    };
    let (of_first, of_second) = (alone(0), alone(1));
    for ((joint, one), two) in found.map.scores.iter().zip(&of_first.map.scores).zip(&of_second.map.scores) {
        let mean = (first.weight * one + second.weight * two) / 2.0;
        assert!((joint - mean).abs() <= 1e-5 * mean.abs(), "{joint} {mean}");
    }
    assert_eq!(found.score, found.map.max());
    assert_on_defect(&found);

    let bytes = ModelFile::new(&model).to_bytes().unwrap();
    let again = lite0_of(&LINE_LAYERS);
    let file = ModelFile::from_bytes(&bytes).unwrap();
    let loaded = file.into_model_with(&[again.clone(), again], &ComputeDevice::cpu(), DriftPolicy::Refuse).unwrap();
    assert_eq!(loaded.score(input(&defect())).unwrap(), found);
}

/// Rows of a fit are scaled after it, those of a score before it: to the same bits, or a known photo would not be known.
#[test]
fn a_bank_of_every_patch_knows_its_own_photos() {
    let network = lite0_of(&LINE_LAYERS);
    let config = config(line_members(), ImageScoreRule::MaximumOfMap).into_config().with_coreset_sampling_ratio(1.0);
    let model = fit(config.check().unwrap(), &[network.clone(), network]);
    let known = model.score(input(&photo(1))).unwrap();
    assert_eq!(known.score, 0.0);
    assert!(model.score(input(&defect())).unwrap().score > 0.01);
}

/// Photos that are all alike have no scale: the members count alike, and nothing is divided by zero.
#[test]
fn equal_photos_give_equal_weights() {
    let network = lite0_of(&LINE_LAYERS);
    let config = config(line_members(), ImageScoreRule::MaximumOfMap);
    let mut fitter = Fitter::with_backbones(config, &[network.clone(), network], &ComputeDevice::cpu()).unwrap();
    for _ in 0..2 {
        fitter.add(input(&photo(0))).unwrap();
    }
    let model = fitter.finish(&mut |_, _| true).unwrap();
    let weights: Vec<f32> = model.config().members.iter().map(|member| member.weight).collect();
    assert_eq!(weights, [1.0, 1.0]);
    assert!(model.score(input(&defect())).unwrap().score.is_finite());
}

#[test]
fn factors_that_no_fit_has_measured_are_refused() {
    let weights = lite0_weights();
    let config = config(line_members(), ImageScoreRule::MaximumOfMap).into_config();
    let second = config.members[1].clone();
    let config = config.with_members(vec![second]).check().unwrap();
    let refused =
        PatchCore::with_bank(config, &weights, vec![0.0; 144], &ComputeDevice::cpu()).unwrap_err().to_string();
    assert!(refused.contains("level_scaling is equal_variance without factors"), "{refused}");
}

/// A photo upside down is known where a turned copy was fitted, a darker one where one with less light was.
#[test]
fn what_a_copy_shows_is_known() {
    let fitted = |copies: Copies| {
        let network = lite0_of(&LINE_LAYERS);
        let config = config(line_members(), ImageScoreRule::MaximumOfMap).into_config().with_copies(copies);
        fit(config.with_coreset_sampling_ratio(1.0).check().unwrap(), &[network.clone(), network])
    };
    let upside_down: Vec<f32> =
        photo(0).chunks_exact(SIDE * SIDE).flat_map(|plane| plane.iter().rev().copied()).collect();
    let darker: Vec<f32> = photo(0).iter().map(|value| value * 0.8).collect();
    let plain = fitted(Copies::default());
    let turned = fitted(Copies { turned: Turned::EighthTurns, ..Copies::default() });
    let light = fitted(Copies { light: Copies::UNSTEADY_LIGHT.to_vec(), ..Copies::default() });
    let score = |model: &PatchCore, pixels: &[f32]| model.score(input(pixels)).unwrap().score;
    assert!(score(&plain, &upside_down) > 0.01 && score(&plain, &darker) > 0.01);
    assert_eq!((score(&turned, &upside_down), score(&light, &darker)), (0.0, 0.0));
    assert_eq!((score(&turned, &photo(1)), score(&light, &photo(1))), (0.0, 0.0));
    // Rows in proportion; a copy's rows know the place in the photo that they show.
    let rows = |model: &PatchCore| model.bank().origins().unwrap().to_vec();
    assert_eq!(rows(&light).len(), 3 * rows(&plain).len());
    let own = rows(&plain).len() / 3;
    let of_first = |model: &PatchCore| rows(model).into_iter().filter(|origin| origin.image == 0).collect::<Vec<_>>();
    assert_eq!(of_first(&light).len(), 3 * own);
    assert!(of_first(&turned).len() > 3 * own && of_first(&turned).len() < 8 * own);
    let places = |origins: &[crate::memory_bank::PatchOrigin]| {
        origins.iter().map(|at| (at.row, at.column)).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(places(&of_first(&light)), places(&of_first(&plain)));
    // What the bank says of good photos leaves a photo out with its copies.
    let alone = light.without_image(0).unwrap();
    assert_eq!(alone.bank().len(), 6 * own);
    assert!(score(&alone, &photo(0)) > 0.0);
    assert_eq!(light.good_quantiles().unwrap().photos, 3);
}
