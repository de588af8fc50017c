//! The three definitions of PatchCore that a user may want digit for digit, as one table of rules, and one of our own.
//!
//! Mode `line`, the default, is `paper` with two changes, each measured (`docs/explanation/line.md`): the image score is the maximum of the anomaly map, so
//! that photo and map are on one scale; and two members share the network. The first is the paper's; the second has the next finer level
//! too, averaged onto the same grid, and all its levels have the same total variance ([`LevelScaling::EqualVariance`]). Their maps are
//! averaged, each weighted by good photos alone ([`Weighting::GoodPatches`]). A network without a finer level has one member.
//!
//! | step | `paper` | `authors` | `anomalib` |
//! |---|---|---|---|
//! | view | short side 256, both sides in whole cells ⁸, no crop ¹ | short side 256, crop 224 | 256 x 256, no crop |
//! | resize arithmetic | PIL, 8 bit ⁶ | PIL, 8 bit | antialiased, float |
//! | neighbourhood ⁷ | 3x3 mean, zero padding counts | the same, inside the pooling | the same |
//! | feature dimension ⁷ | 1024 ², never more than the layers' channels ³ | 1024 by adaptive pooling | all channels |
//! | projection | dense uniform to 128 ² | dense uniform to 128 | sparse, Johnson-Lindenstrauss, eps 0.9 |
//! | first row | farthest from the mean ² | mean distance to 10 random rows | random |
//! | coreset | exact greedy k-center | approximate greedy ⁴ | exact greedy k-center |
//! | distance | L2 | squared L2 | L2 |
//! | `num_neighbors` | b = 9 of eq. 7 | k = 1, mean of the k nearest | b = 9 of eq. 7 |
//! | image score | maximum, re-weighted (eq. 6 and 7) | maximum | maximum, re-weighted (eq. 7) |
//! | anomaly map | bilinear, Gaussian sigma 4 | the same | nearest, Gaussian sigma 4 |
//! | border of the Gaussian | edge repeated (`d c b a / a b c d`) ² | edge repeated | edge not repeated |
//! | ground truth for metrics | resized like the photo, then `>= 0.5` | the same ⁵ | nearest pixel |
//!
//! ¹ The paper crops to 224; a crop that hides a defect is the most expensive default in the field, so only mode
//! `authors` crops unless asked.
//! ² The paper is silent or vague: the value of the authors' code. (Their exact sampler starts at the row with the
//! largest root sum of squared distances, which is the row farthest from the mean.)
//! ³ An average cannot add information: with fewer than 1024 channels (ResNet-18 and 34: 384, EfficientNet-Lite0:
//! 120) every channel is its own 3x3 mean, as the paper words it ("similar to local smoothing over each individual
//! feature map").
//! ⁴ Greedy on distances that start at each row's mean distance to ten random rows.
//! ⁵ The authors' `astype(int)` shrinks masks and splits regions; that is not followed.
//! ⁶ Photos of more than 8 bits keep them: they are resized in float. Mode `authors` rounds them to 8 bits first.
//! ⁷ Settings: `patch_size`, `pretrain_embed_dimension` and `target_embed_dimension`, by the authors' names.
//! ⁸ [`InputSizes::WholeCells`]: the published views are square; of a photo that is not, the aspect ratio gives a size that cuts the
//! last cells. `docs/reference/view.md` has the measurement.
//!
//! A [`Mode`] constructs these combinations and does nothing else: [`Mode::config`] gives every rule its value, and from
//! there on a configuration is its rules, which may be mixed. `patchcore_config.rs` has the values of `paper`; here stands
//! what the other two have differently.
//!
//! Not reproduced: the random numbers of torch. Each rule draws from a portable generator seeded by `seed`.

use serde::{Deserialize, Serialize};

use crate::backbone::Network;
use crate::error::ConfigError;
use crate::member_config::{DEFAULT_PATCH_SIZE, MemberConfig};
use crate::network_precision::NetworkPrecision;
use crate::patchcore_config::PatchCoreConfig;
use crate::rules::{
    Border, Distance, EmbeddingRule, ImageScoreRule, LevelScaling, PUBLISHED_EMBED_DIMENSION, ProjectionRule,
    StartRule, Upsampling, Weighting,
};
use crate::view::{Crop, InputSizes, Pad, Resampling, Resize, Size, View};

/// Which definition of PatchCore to compute. See the [table](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// The paper's text; where it is silent, the authors' value.
    Paper,
    /// amazon-science/patchcore-inspection.
    Authors,
    /// anomalib 2.x.
    Anomalib,
    /// This project's own: the paper's with two banks of one network, and the map's maximum as the image score.
    #[default]
    Line,
}

/// Every mode, in the order in which lists show them.
pub const MODES: [Mode; 4] = [Mode::Paper, Mode::Authors, Mode::Anomalib, Mode::Line];

impl Mode {
    /// The name used in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Paper => "paper",
            Mode::Authors => "authors",
            Mode::Anomalib => "anomalib",
            Mode::Line => "line",
        }
    }

    /// The mode of that name.
    ///
    /// # Errors
    /// [`ConfigError::UnknownMode`].
    pub fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = MODES.into_iter().find(|mode| mode.name() == name);
        known.ok_or_else(|| ConfigError::UnknownMode { name: name.to_owned() })
    }

    /// The published configuration, for a backbone and its usual layers.
    ///
    /// ```
    /// use patchcore_config::{Architecture, Distance, Mode};
    ///
    /// let mut config = Mode::Anomalib.config(Architecture::RESNET18);
    /// assert_eq!(config.mode(), Some(Mode::Anomalib));
    /// // Rules may be mixed; a mix is named.
    /// config.distance = Distance::SquaredL2;
    /// assert_eq!((config.mode(), config.rules_name().as_str()), (None, "anomalib with distance squared_l2"));
    /// ```
    pub fn config(self, backbone: impl Into<Network>) -> PatchCoreConfig {
        let backbone = backbone.into();
        let square = |side| Size { width: side, height: side };
        let layers = backbone.default_layers();
        let paper = PatchCoreConfig::paper(self.members(backbone, layers));
        match self {
            Mode::Paper => paper,
            Mode::Authors => PatchCoreConfig {
                view: View {
                    resize: Resize::Short(256),
                    resampling: Resampling::Pil8Bit,
                    crop: Crop::Center(square(224)),
                    pad: Pad::None,
                    sizes: InputSizes::AsResized,
                },
                distance: Distance::SquaredL2,
                image_score: ImageScoreRule::MaximumOfMeans,
                num_neighbors: 1,
                ..paper
            },
            Mode::Anomalib => PatchCoreConfig {
                view: View {
                    resize: Resize::Exact(square(256)),
                    resampling: Resampling::Float,
                    crop: Crop::Keep,
                    pad: Pad::None,
                    sizes: InputSizes::AsResized,
                },
                upsampling: Upsampling::Nearest,
                border: Border::ReflectEdgeOnce,
                ..paper
            },
            Mode::Line => PatchCoreConfig {
                image_score: ImageScoreRule::MaximumOfMap,
                // Both banks together have as many rows as the paper's one.
                coreset_sampling_ratio: paper.coreset_sampling_ratio / paper.members.len() as f64,
                ..paper
            },
        }
    }

    /// All members for these layers of a backbone, in network order: one of a published mode; in mode `line` a second one with the
    /// next finer layer, where the network has it.
    pub fn members(self, backbone: impl Into<Network>, layers: Vec<String>) -> Vec<MemberConfig> {
        let backbone = backbone.into();
        let finer = layers.first().and_then(|first| backbone.finer_layer(first)).filter(|_| self == Mode::Line);
        let second = finer.map(|finer| {
            let layers = std::iter::once(finer).chain(layers.iter().cloned()).collect();
            Self::second_of_line(backbone.clone(), layers)
        });
        std::iter::once(self.member(backbone, layers)).chain(second).collect()
    }

    /// The second member of mode `line` over these layers, the first of which is finer than the grid.
    pub(crate) fn second_of_line(backbone: Network, layers: Vec<String>) -> MemberConfig {
        let grid_layer = layers.get(1).cloned();
        let level_scaling = LevelScaling::EQUAL_VARIANCE;
        MemberConfig { grid_layer, level_scaling, ..Mode::Line.member(backbone, layers) }
    }

    /// The published member for other layers of a backbone, in network order; in mode `line` the first of its members.
    pub fn member(self, backbone: impl Into<Network>, layers: Vec<String>) -> MemberConfig {
        let backbone = backbone.into();
        let shapes = layers.iter().filter_map(|layer| backbone.layer_shape(layer));
        let channels: usize = shapes.map(|(channels, _)| channels).sum();
        let (embedding, projection, start) = match self {
            Mode::Paper | Mode::Line if channels < PUBLISHED_EMBED_DIMENSION => {
                (EmbeddingRule::Concatenate, ProjectionRule::Dense(128), StartRule::FarthestFromMean)
            }
            Mode::Paper | Mode::Line => {
                (EmbeddingRule::PUBLISHED, ProjectionRule::Dense(128), StartRule::FarthestFromMean)
            }
            Mode::Authors => (EmbeddingRule::PUBLISHED, ProjectionRule::Dense(128), StartRule::MeanOfRandomRows(10)),
            Mode::Anomalib => (EmbeddingRule::Concatenate, ProjectionRule::Sparse { eps: 0.9 }, StartRule::RandomRow),
        };
        let normalization = backbone.normalization();
        MemberConfig {
            backbone,
            layers,
            normalization,
            patch_size: DEFAULT_PATCH_SIZE,
            embedding,
            projection,
            start,
            weight: 1.0,
            grid_layer: None,
            level_scaling: LevelScaling::None,
            weighting: if self == Mode::Line { Weighting::GoodPatches } else { Weighting::AsGiven },
            network_precision: NetworkPrecision::F32,
        }
    }
}
