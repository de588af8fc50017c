//! The three definitions of PatchCore that a user may want digit for digit, as one table of rules.
//!
//! | step | `paper` (default) | `authors` | `anomalib` |
//! |---|---|---|---|
//! | view | short side 256, no crop ¹ | short side 256, crop 224 | 256 x 256, no crop |
//! | resize arithmetic | PIL, 8 bit ⁶ | PIL, 8 bit | antialiased, float |
//! | neighbourhood | 3x3 mean, zero padding counts | the same, inside the pooling | the same |
//! | feature dimension | 1024 ², never more than the layers' channels ³ | 1024 by adaptive pooling | all channels |
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

/// How a patch's neighbourhood becomes its feature vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingRule {
    /// Unfold 3x3, adaptive average pooling of each level to `d` values, levels stacked, pooled to `d` again.
    AdaptivePool(usize),
    /// 3x3 mean of every channel, levels concatenated.
    Concatenate,
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
        const AUTHORS_DIM: usize = 1024;
        match self {
            Mode::Authors => EmbeddingRule::AdaptivePool(AUTHORS_DIM),
            Mode::Paper if channels >= AUTHORS_DIM => EmbeddingRule::AdaptivePool(AUTHORS_DIM),
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
