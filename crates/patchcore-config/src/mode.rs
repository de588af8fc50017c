//! The three definitions of PatchCore that a user may want digit for digit, as one table of rules.
//!
//! | step | `paper` (default) | `authors` | `anomalib` |
//! |---|---|---|---|
//! | view | short side 256, no crop ¹ | short side 256, crop 224 | 256 x 256, no crop |
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
//!
//! Not reproduced: the random numbers of torch. Each rule draws from a portable generator seeded by `seed`.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::{Pad, Resampling, Resize, Size, View};

/// Which definition of PatchCore to compute. See the [table](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// The paper's text; where it is silent, the authors' value.
    #[default]
    Paper,
    /// amazon-science/patchcore-inspection.
    Authors,
    /// anomalib 2.x.
    Anomalib,
}

/// Every mode, in the order in which lists show them.
pub const MODES: [Mode; 3] = [Mode::Paper, Mode::Authors, Mode::Anomalib];

/// How a patch's neighbourhood, of `patch_size` cells a side, becomes its feature vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "WrittenEmbeddingRule")]
pub enum EmbeddingRule {
    /// Each level's patch unfolded (channels x side x side values) and averaged to `pretrain_embed_dimension` values by adaptive
    /// pooling, levels stacked, averaged to `target_embed_dimension`.
    AdaptivePool {
        /// Values of each level after the first pooling. Published: [`PUBLISHED_EMBED_DIMENSION`].
        pretrain_embed_dimension: usize,
        /// Values of a row of the memory bank. Published: [`PUBLISHED_EMBED_DIMENSION`], 384 in the authors' ensemble.
        target_embed_dimension: usize,
    },
    /// Mean of every channel over the patch, levels concatenated.
    Concatenate,
}

/// Both dimensions of the authors' pooling, unless something else is asked for.
pub const PUBLISHED_EMBED_DIMENSION: usize = 1024;

/// An embedding rule as files have it: the older ones give one number for both dimensions, `{"adaptive_pool": 1024}`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenEmbeddingRule {
    AdaptivePool(WrittenDimensions),
    Concatenate,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected pretrain_embed_dimension and target_embed_dimension, or one number for both")]
enum WrittenDimensions {
    Both { pretrain_embed_dimension: usize, target_embed_dimension: usize },
    Same(usize),
}

impl From<WrittenEmbeddingRule> for EmbeddingRule {
    fn from(written: WrittenEmbeddingRule) -> Self {
        match written {
            WrittenEmbeddingRule::AdaptivePool(WrittenDimensions::Same(dim)) => Self::adaptive_pool(dim, dim),
            WrittenEmbeddingRule::AdaptivePool(WrittenDimensions::Both {
                pretrain_embed_dimension,
                target_embed_dimension,
            }) => Self::adaptive_pool(pretrain_embed_dimension, target_embed_dimension),
            WrittenEmbeddingRule::Concatenate => Self::Concatenate,
        }
    }
}

impl EmbeddingRule {
    /// The authors' pooling.
    pub fn adaptive_pool(pretrain_embed_dimension: usize, target_embed_dimension: usize) -> Self {
        Self::AdaptivePool { pretrain_embed_dimension, target_embed_dimension }
    }

    /// The rule with the dimensions that somebody asks for. A target dimension asks for the authors' pooling, also where
    /// the rule was to concatenate.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`], for the dimension of a first pooling that would not take place.
    pub fn with_dimensions(self, pretrain: Option<usize>, target: Option<usize>) -> Result<Self, ConfigError> {
        match (self, pretrain, target) {
            (_, None, None) => Ok(self),
            (Self::AdaptivePool { pretrain_embed_dimension, target_embed_dimension }, ..) => Ok(Self::adaptive_pool(
                pretrain.unwrap_or(pretrain_embed_dimension),
                target.unwrap_or(target_embed_dimension),
            )),
            (Self::Concatenate, pretrain, Some(target)) => {
                Ok(Self::adaptive_pool(pretrain.unwrap_or(PUBLISHED_EMBED_DIMENSION), target))
            }
            (Self::Concatenate, Some(pretrain), None) => Err(ConfigError::OutOfRange {
                parameter: "pretrain_embed_dimension",
                found: format!("{pretrain} where the levels are concatenated"),
                expected: "target_embed_dimension beside it, which asks for the authors' pooling",
            }),
        }
    }

    /// Values per row for levels with so many channels in all.
    pub fn dim(self, channels: usize) -> usize {
        match self {
            Self::AdaptivePool { target_embed_dimension, .. } => target_embed_dimension,
            Self::Concatenate => channels,
        }
    }
}

/// What the greedy selection measures its distances on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionRule {
    /// The embeddings themselves.
    None,
    /// Dense, entries uniform in `±1/sqrt(dim)` (torch's `nn.Linear` initialisation), to this many dimensions.
    Dense(usize),
    /// Sparse, density `1/sqrt(dim)`, to `4 ln(n) / (eps²/2 - eps³/3)` dimensions with this eps.
    Sparse {
        /// Distortion that the Johnson-Lindenstrauss bound allows.
        eps: f64,
    },
}

/// The distances with which the greedy selection starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartRule {
    /// Infinite, except that the first pick is the row farthest from the mean.
    FarthestFromMean,
    /// Each row's mean distance to this many random rows; those rows are not picked by that.
    MeanOfRandomRows(usize),
    /// The first pick is a random row.
    RandomRow,
}

/// What a patch score measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Euclidean distance.
    L2,
    /// Its square, as faiss's `IndexFlatL2` returns it.
    SquaredL2,
}

/// What `num_neighbors` means and how the image score comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageScoreRule {
    /// Patch score = mean distance to the k nearest rows; image score = the largest patch score.
    MaximumOfMeans,
    /// Patch score = distance to the nearest row; the largest one is re-weighted over b neighbours (eq. 7).
    Reweighted,
}

/// How the grid of patch scores grows to the input's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// Bilinear, corners not aligned.
    Bilinear,
    /// The nearest cell: `floor(i * cells / pixels)`.
    Nearest,
}

/// What the Gaussian sees beyond the map's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// `d c b a | a b c d | d c b a`: scipy's "reflect".
    ReflectEdgeRepeated,
    /// `d c b | a b c d | c b a`: torch's "reflect".
    ReflectEdgeOnce,
}

impl Distance {
    /// The distance for a squared L2 distance.
    pub fn of_squared(self, squared: f32) -> f64 {
        match self {
            Distance::L2 => f64::from(squared).sqrt(),
            Distance::SquaredL2 => f64::from(squared),
        }
    }
}

impl Mode {
    /// The name used in settings, files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Paper => "paper",
            Mode::Authors => "authors",
            Mode::Anomalib => "anomalib",
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

    /// The view of a photo when nothing else is asked for.
    pub fn default_view(self) -> View {
        let square = |side| Size { width: side, height: side };
        let view = |resize, crop| View { resize, resampling: self.resampling(), crop, pad: Pad::None };
        match self {
            Mode::Paper => view(Resize::ShortSide(256), None),
            Mode::Authors => view(Resize::ShortSide(256), Some(square(224))),
            Mode::Anomalib => view(Resize::Exact(square(256)), None),
        }
    }

    /// The arithmetic of the resize.
    pub fn resampling(self) -> Resampling {
        match self {
            Mode::Paper => Resampling::Native,
            Mode::Authors => Resampling::Pil8Bit,
            Mode::Anomalib => Resampling::Float,
        }
    }

    /// The embedding for layers with so many channels in all.
    pub fn embedding(self, channels: usize) -> EmbeddingRule {
        const PUBLISHED: EmbeddingRule = EmbeddingRule::AdaptivePool {
            pretrain_embed_dimension: PUBLISHED_EMBED_DIMENSION,
            target_embed_dimension: PUBLISHED_EMBED_DIMENSION,
        };
        match self {
            Mode::Authors => PUBLISHED,
            Mode::Paper if channels >= PUBLISHED_EMBED_DIMENSION => PUBLISHED,
            Mode::Paper | Mode::Anomalib => EmbeddingRule::Concatenate,
        }
    }

    /// The coreset's projection.
    pub fn projection(self) -> ProjectionRule {
        match self {
            Mode::Paper | Mode::Authors => ProjectionRule::Dense(128),
            Mode::Anomalib => ProjectionRule::Sparse { eps: 0.9 },
        }
    }

    /// The coreset's start.
    pub fn start(self) -> StartRule {
        match self {
            Mode::Paper => StartRule::FarthestFromMean,
            Mode::Authors => StartRule::MeanOfRandomRows(10),
            Mode::Anomalib => StartRule::RandomRow,
        }
    }

    /// The unit of scores.
    pub fn distance(self) -> Distance {
        match self {
            Mode::Paper | Mode::Anomalib => Distance::L2,
            Mode::Authors => Distance::SquaredL2,
        }
    }

    /// The image score.
    pub fn image_score(self) -> ImageScoreRule {
        match self {
            Mode::Paper | Mode::Anomalib => ImageScoreRule::Reweighted,
            Mode::Authors => ImageScoreRule::MaximumOfMeans,
        }
    }

    /// `num_neighbors` when nothing else is asked for: k = 1 or b = 9.
    pub fn default_num_neighbors(self) -> usize {
        match self.image_score() {
            ImageScoreRule::MaximumOfMeans => 1,
            ImageScoreRule::Reweighted => 9,
        }
    }

    /// The growth of the anomaly map.
    pub fn upsampling(self) -> Upsampling {
        match self {
            Mode::Paper | Mode::Authors => Upsampling::Bilinear,
            Mode::Anomalib => Upsampling::Nearest,
        }
    }

    /// The border of the Gaussian.
    pub fn border(self) -> Border {
        match self {
            Mode::Paper | Mode::Authors => Border::ReflectEdgeRepeated,
            Mode::Anomalib => Border::ReflectEdgeOnce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_is_written_with_both_dimensions_and_read_with_one() {
        let ensemble = EmbeddingRule::adaptive_pool(1024, 384);
        let written = r#"{"adaptive_pool":{"pretrain_embed_dimension":1024,"target_embed_dimension":384}}"#;
        assert_eq!(serde_json::to_string(&ensemble).unwrap(), written);
        let read = |text: &str| serde_json::from_str::<EmbeddingRule>(text);
        assert_eq!(read(written).unwrap(), ensemble);
        assert_eq!(read(r#"{"adaptive_pool": 1024}"#).unwrap(), EmbeddingRule::adaptive_pool(1024, 1024));
        assert_eq!(read(r#""concatenate""#).unwrap(), EmbeddingRule::Concatenate);
        assert_eq!(serde_json::to_string(&EmbeddingRule::Concatenate).unwrap(), r#""concatenate""#);
        let error = read(r#"{"adaptive_pool": {"pretrain_embed_dimension": 1024}}"#).unwrap_err().to_string();
        assert!(error.contains("pretrain_embed_dimension and target_embed_dimension"), "{error}");
        assert!(read(r#"{"adaptive_pool": -1}"#).is_err());
    }

    #[test]
    fn a_target_dimension_asks_for_pooling_and_a_first_pooling_needs_one() {
        let published = Mode::Authors.embedding(384);
        assert_eq!(published, EmbeddingRule::adaptive_pool(1024, 1024));
        assert_eq!(published.with_dimensions(None, None), Ok(published));
        assert_eq!(published.with_dimensions(None, Some(384)), Ok(EmbeddingRule::adaptive_pool(1024, 384)));
        assert_eq!(published.with_dimensions(Some(512), None), Ok(EmbeddingRule::adaptive_pool(512, 1024)));
        let concatenate = Mode::Paper.embedding(384);
        assert_eq!(concatenate, EmbeddingRule::Concatenate);
        assert_eq!(concatenate.with_dimensions(None, None), Ok(concatenate));
        assert_eq!(concatenate.with_dimensions(None, Some(256)), Ok(EmbeddingRule::adaptive_pool(1024, 256)));
        assert_eq!(concatenate.with_dimensions(Some(512), Some(256)), Ok(EmbeddingRule::adaptive_pool(512, 256)));
        let error = concatenate.with_dimensions(Some(512), None).unwrap_err().to_string();
        assert!(
            error.contains("pretrain_embed_dimension is 512") && error.contains("target_embed_dimension"),
            "{error}"
        );
    }
}
