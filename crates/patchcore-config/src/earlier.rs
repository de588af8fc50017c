//! Configurations as model files of the versions 1 and 2 hold them: with the name of a mode, from which most rules were
//! looked up, and with "none" for what was not asked for.

use serde::Deserialize;

use crate::backbone::Architecture;
use crate::bank_dtype::BankDtype;
use crate::copies::Copies;
use crate::mode::Mode;
use crate::patchcore_config::PatchCoreConfig;
use crate::rules::EmbeddingRule;
use crate::view::{Crop, InputSizes, Normalization, Pad, Region, Resampling, Resize, Size, Tiling, View};

/// The configuration of a model file of version 1 or 2; as a [`PatchCoreConfig`] it has the rules that its mode had.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EarlierConfig {
    mode: Mode,
    backbone: Architecture,
    layers: Vec<String>,
    view: EarlierView,
    normalization: Normalization,
    embedding: EarlierEmbedding,
    coreset_sampling_ratio: f64,
    num_neighbors: usize,
    #[serde(default)]
    bank_dtype: BankDtype,
    seed: u64,
    tiling: Option<EarlierTiling>,
    region: Option<Region>,
    full_scale: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct EarlierView {
    resize: EarlierResize,
    resampling: Resampling,
    crop: Option<Size>,
    #[serde(default)]
    pad: Pad,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EarlierResize {
    None,
    ShortSide(u32),
    Exact(Size),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EarlierEmbedding {
    AdaptivePool(usize),
    Concatenate,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct EarlierTiling {
    size: u32,
    overlap: u32,
}

impl From<EarlierConfig> for PatchCoreConfig {
    fn from(earlier: EarlierConfig) -> Self {
        let EarlierConfig { mode, backbone, layers, view, normalization, embedding, tiling, .. } = earlier;
        let mut member = mode.member(backbone, layers);
        member.normalization = normalization;
        member.embedding = match embedding {
            EarlierEmbedding::AdaptivePool(dim) => EmbeddingRule::adaptive_pool(dim, dim),
            EarlierEmbedding::Concatenate => EmbeddingRule::Concatenate,
        };
        let resize = match view.resize {
            EarlierResize::None => Resize::Keep,
            EarlierResize::ShortSide(side) => Resize::Short(side),
            EarlierResize::Exact(size) => Resize::Exact(size),
        };
        let tiles = |EarlierTiling { size, overlap }| Tiling::Tiles { size, overlap };
        PatchCoreConfig {
            members: vec![member],
            view: View {
                resize,
                resampling: view.resampling,
                crop: view.crop.map_or(Crop::Keep, Crop::Center),
                pad: view.pad,
                sizes: InputSizes::AsResized,
            },
            tiling: tiling.map_or(Tiling::Whole, tiles),
            region: earlier.region,
            full_scale: earlier.full_scale,
            copies: Copies::default(),
            coreset_sampling_ratio: earlier.coreset_sampling_ratio,
            bank_rows: None,
            coverage: None,
            memory: None,
            bank_dtype: earlier.bank_dtype,
            seed: earlier.seed,
            num_neighbors: earlier.num_neighbors,
            ..mode.config(backbone)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Border, Distance, ImageScoreRule, ProjectionRule, Smoothing, StartRule, Upsampling};

    // Written by version 0.1 with a format version of 2.
    const PAPER: &str = concat!(
        r#"{"mode":"paper","backbone":"efficientnet_lite0","layers":["block4","block7"],"#,
        r#""view":{"resize":{"short_side":256},"resampling":"native","crop":null},"#,
        r#""normalization":{"mean":[0.49803922,0.49803922,0.49803922],"std":[0.5019608,0.5019608,0.5019608]},"#,
        r#""embedding":"concatenate","coreset_sampling_ratio":0.1,"num_neighbors":9,"seed":0}"#
    );
    const AUTHORS: &str = concat!(
        r#"{"mode":"authors","backbone":"efficientnet_lite0","layers":["block4","block7"],"#,
        r#""view":{"resize":{"short_side":256},"resampling":"pil8_bit","crop":{"width":224,"height":224}},"#,
        r#""normalization":{"mean":[0.49803922,0.49803922,0.49803922],"std":[0.5019608,0.5019608,0.5019608]},"#,
        r#""embedding":{"adaptive_pool":1024},"coreset_sampling_ratio":0.1,"num_neighbors":1,"seed":0}"#
    );
    const ANOMALIB: &str = concat!(
        r#"{"mode":"anomalib","backbone":"efficientnet_lite0","layers":["block4","block7"],"#,
        r#""view":{"resize":{"exact":{"width":256,"height":256}},"resampling":"float","crop":null},"#,
        r#""normalization":{"mean":[0.49803922,0.49803922,0.49803922],"std":[0.5019608,0.5019608,0.5019608]},"#,
        r#""embedding":"concatenate","coreset_sampling_ratio":0.1,"num_neighbors":9,"seed":0}"#
    );
    const WIDE_PAPER: &str = concat!(
        r#"{"mode":"paper","backbone":"wide_resnet50_2","layers":["layer2","layer3"],"#,
        r#""view":{"resize":{"short_side":256},"resampling":"native","crop":null},"#,
        r#""normalization":{"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},"#,
        r#""embedding":{"adaptive_pool":1024},"coreset_sampling_ratio":0.1,"num_neighbors":9,"seed":0}"#
    );
    const EVERYTHING: &str = concat!(
        r#"{"mode":"anomalib","backbone":"resnet18","layers":["layer1","layer2","layer3"],"#,
        r#""view":{"resize":"none","resampling":"float","crop":null,"pad":{"to_multiple":16}},"#,
        r#""normalization":{"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},"embedding":"concatenate","#,
        r#""coreset_sampling_ratio":0.01,"num_neighbors":3,"bank_dtype":"f16","seed":7,"tiling":{"size":512,"#,
        r#""overlap":128},"region":{"size":{"width":3,"height":2},"runs":[0,2,1,3]},"full_scale":4095}"#
    );

    fn read(json: &str) -> PatchCoreConfig {
        serde_json::from_str::<EarlierConfig>(json).unwrap().into()
    }

    #[test]
    fn what_a_mode_stood_for_is_what_is_read() {
        // Of a photo that was not square, the last row or column of cells was cut.
        let as_resized = |mut config: PatchCoreConfig| {
            config.view.sizes = InputSizes::AsResized;
            config
        };
        assert_eq!(read(PAPER), as_resized(Mode::Paper.config(Architecture::EFFICIENTNET_LITE0)));
        assert_eq!(read(AUTHORS), Mode::Authors.config(Architecture::EFFICIENTNET_LITE0));
        assert_eq!(read(ANOMALIB), Mode::Anomalib.config(Architecture::EFFICIENTNET_LITE0));
        assert_eq!(read(WIDE_PAPER), as_resized(Mode::Paper.config(Architecture::WIDE_RESNET50_2)));
        for json in [PAPER, AUTHORS, ANOMALIB, WIDE_PAPER, EVERYTHING] {
            assert!(read(json).check().is_ok());
        }
    }

    /// The rules that those files do not hold, letter for letter: another value would score an old model otherwise.
    #[test]
    fn the_rules_are_those_of_then() {
        let rules = |json| {
            let config = read(json);
            let member = &config.members[0];
            let of_map = (config.upsampling, config.border, config.smoothing);
            (config.distance, config.image_score, of_map, member.projection, member.start, member.patch_size)
        };
        let gaussian = Smoothing::Gaussian { sigma: 4.0 };
        let bilinear = (Upsampling::Bilinear, Border::ReflectEdgeRepeated, gaussian);
        let nearest = (Upsampling::Nearest, Border::ReflectEdgeOnce, gaussian);
        let dense = ProjectionRule::Dense(128);
        let sparse = ProjectionRule::Sparse { eps: 0.9 };
        let (l2, squared) = (Distance::L2, Distance::SquaredL2);
        let (reweighted, means) = (ImageScoreRule::Reweighted, ImageScoreRule::MaximumOfMeans);
        assert_eq!(rules(PAPER), (l2, reweighted, bilinear, dense, StartRule::FarthestFromMean, 3));
        assert_eq!(rules(WIDE_PAPER), (l2, reweighted, bilinear, dense, StartRule::FarthestFromMean, 3));
        assert_eq!(rules(AUTHORS), (squared, means, bilinear, dense, StartRule::MeanOfRandomRows(10), 3));
        assert_eq!(rules(ANOMALIB), (l2, reweighted, nearest, sparse, StartRule::RandomRow, 3));
    }

    #[test]
    fn every_setting_of_then_is_read() {
        let config = read(EVERYTHING);
        assert_eq!(config.mode(), Some(Mode::Anomalib));
        let view = View { pad: Pad::ToMultiple(16), ..View::resized(Resize::Keep, Resampling::Float) };
        assert_eq!(config.view, view);
        assert_eq!(config.tiling, Tiling::Tiles { size: 512, overlap: 128 });
        assert_eq!((config.bank_dtype, config.full_scale), (BankDtype::F16, Some(4095)));
        assert_eq!((config.num_neighbors, config.seed, config.coreset_sampling_ratio), (3, 7, 0.01));
        assert_eq!(config.region.map(|region| region.inside_pixels()), Some(5));
        assert_eq!(config.members[0].layers, ["layer1", "layer2", "layer3"]);
    }
}
